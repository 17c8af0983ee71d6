/* SPDX-License-Identifier: MIT */
/* strv: a growable list of strings that ends in NULL. */
#include "transport/base/strv.h"

#include <string.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

TEST(the_empty_list_is_an_argv)
{
	AUTO_STRV struct strv l = { 0 };

	assert_non_null(strv_argv(&l));
	assert_null(strv_argv(&l)[0]);
}

TEST(a_list_ends_in_null_at_every_length)
{
	AUTO_STRV struct strv l = { 0 };

	for (size_t i = 1; i < 100; i++) {
		strv_pushf(&l, "%zu", i);
		assert_int_equal(l.n, i);
		assert_null(strv_argv(&l)[i]);
	}
	assert_string_equal(l.v[41], "42");
}

TEST(push_copies)
{
	AUTO_STRV struct strv l = { 0 };
	char word[] = "one";

	strv_push(&l, word);
	word[0] = 'X';
	assert_string_equal(l.v[0], "one");
}

TEST(take_owns)
{
	AUTO_STRV struct strv l = { 0 };
	char *word = xstrdup("one");

	strv_take(&l, word);
	assert_ptr_equal(l.v[0], word);
}

TEST(push_all_copies_each)
{
	AUTO_STRV struct strv a = { 0 }, b = { 0 };

	strv_push(&a, "1");
	strv_push(&a, "2");
	strv_push(&b, "0");
	strv_push_all(&b, &a);
	assert_int_equal(b.n, 3);
	assert_string_equal(b.v[2], "2");
	assert_ptr_not_equal(b.v[2], a.v[1]);
}

TEST(lists_are_equal_word_by_word)
{
	AUTO_STRV struct strv a = { 0 }, b = { 0 };

	assert_true(strv_equal(&a, &b));
	strv_push(&a, "x");
	assert_false(strv_equal(&a, &b));
	strv_push(&b, "x");
	assert_true(strv_equal(&a, &b));
	strv_push(&a, "y");
	strv_push(&b, "z");
	assert_false(strv_equal(&a, &b));
}

TEST(has_finds_whole_words)
{
	AUTO_STRV struct strv l = { 0 };

	assert_false(strv_has(&l, "ab"));
	strv_push(&l, "abc");
	strv_push(&l, "ab");
	assert_true(strv_has(&l, "ab"));
	assert_false(strv_has(&l, "a"));
}

TEST(join_puts_the_separator_between)
{
	AUTO_STRV struct strv l = { 0 };
	AUTO_FREE char *none = strv_join(&l, ", ");
	AUTO_FREE char *two = NULL;

	assert_string_equal(none, "");
	strv_push(&l, "%s");
	strv_push(&l, "");
	two = strv_join(&l, ", ");
	assert_string_equal(two, "%s, ");
}

TEST(freeing_leaves_an_empty_list)
{
	struct strv l = { 0 };

	strv_push(&l, "x");
	strv_free(&l);
	assert_int_equal(l.n, 0);
	assert_null(strv_argv(&l)[0]);
	strv_free(&l);
}

TEST(strings_that_end_in_nul_are_split)
{
	AUTO_STRV struct strv l = { 0 };

	strv_push_nul(&l, "a\0\0b c\0", 7);
	assert_int_equal(l.n, 3);
	assert_string_equal(l.v[0], "a");
	assert_string_equal(l.v[1], "");
	assert_string_equal(l.v[2], "b c");
	strv_push_nul(&l, "cut", 2);
	assert_string_equal(l.v[3], "cu");
	strv_push_nul(&l, "", 0);
	assert_int_equal(l.n, 4);
}
