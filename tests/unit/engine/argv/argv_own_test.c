/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_own.c. */
#include "engine/argv/argv_own.h"
#include "tests/unit/test.h"

TEST(our_ids_have_one_digit)
{
	assert_true(argv_own_id("vmferry0"));
	assert_true(argv_own_id("vmferry1"));
	assert_false(argv_own_id("vmferry"));
	assert_false(argv_own_id("vmferry00"));
	assert_false(argv_own_id("xvmferry0"));
	assert_false(argv_own_id(NULL));
}

TEST(our_files_have_ids_of_their_own)
{
	assert_true(argv_own_file("vmferry-file0"));
	assert_true(argv_own_file("vmferry-file12"));
	assert_false(argv_own_file("vmferry0"));
	assert_false(argv_own_file("file0"));
	assert_false(argv_own_file(NULL));
}

TEST(a_name_follows_our_word)
{
	assert_string_equal(argv_own_hand("vmferry:/a"), "/a");
	assert_null(argv_own_hand("vmferry:"));
	assert_null(argv_own_hand("rdwr:/a"));
	assert_null(argv_own_hand(NULL));
}
