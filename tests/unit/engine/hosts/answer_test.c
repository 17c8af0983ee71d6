/* SPDX-License-Identifier: MIT */
/* answer: what a script on a host answers. */
#include "engine/hosts/answer.h"

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

TEST(a_value_is_the_rest_of_its_line)
{
	AUTO_FREE char *v = answer_value("a=1\nab=2 x=y\nb=\n", "ab");

	assert_string_equal(v, "2 x=y");
}

TEST(a_key_is_not_found_inside_another)
{
	assert_null(answer_value("ab=1\nx b=2\n", "b"));
}

TEST(an_empty_value_is_not_a_missing_one)
{
	AUTO_FREE char *v = answer_value("b=\n", "b");

	assert_string_equal(v, "");
}

TEST(a_safe_value_is_one_line)
{
	AUTO_FREE char *v = answer_safe_value("web1\nstate=gone\x7f\t");
	AUTO_FREE char *none = answer_safe_value(NULL);

	assert_string_equal(v, "web1?state=gone??");
	assert_string_equal(none, "");
}

TEST(a_pid_is_a_plain_number)
{
	assert_int_equal(answer_pid("42"), 42);
	assert_int_equal(answer_pid("0"), 0);
	assert_int_equal(answer_pid("-42"), 0);
	assert_int_equal(answer_pid(" 42"), 0);
	assert_int_equal(answer_pid("42x"), 0);
	assert_int_equal(answer_pid("4294967297"), 0);
	assert_int_equal(answer_pid(""), 0);
	assert_int_equal(answer_pid(NULL), 0);
}
