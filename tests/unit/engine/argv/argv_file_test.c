/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_file.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/argv/argv.h"
#include "transport/base/xalloc.h"
static void expect_args(const char *text, const char *joined)
{
	AUTO_STRV struct strv out = { .v = NULL };
	AUTO_ERR struct err err = { .kind = ERR_NONE };
	AUTO_FREE char *got = NULL;

	assert_int_equal(argv_file_parse(text, strlen(text), &out, &err), 0);
	got = strv_join(&out, "|");
	assert_string_equal(got ? got : "", joined);
}

static void each_line_is_one_argument(void **state)
{
	(void)state;
	expect_args("-m\n1G\n-append\nroot=/dev/vda rw\n",
		    "-m|1G|-append|root=/dev/vda rw");
}

static void comments_and_blank_lines_do_not_count(void **state)
{
	(void)state;
	expect_args("# mine\n\n  # too\n-S\n   \n", "-S");
}

static void blanks_around_and_line_ends_of_windows_are_trimmed(void **state)
{
	(void)state;
	expect_args("  -m \r\n\t1G\r\n", "-m|1G");
}

static void the_last_line_needs_no_end(void **state)
{
	(void)state;
	expect_args("-m\n1G", "-m|1G");
	expect_args("", "");
}

static void a_nul_byte_is_refused_with_its_line(void **state)
{
	AUTO_STRV struct strv out = { .v = NULL };
	AUTO_ERR struct err err = { .kind = ERR_NONE };

	(void)state;
	assert_int_equal(argv_file_parse("-m\n1\0G\n", 7, &out, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.message, "line 2"));
	assert_int_equal(out.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_line_is_one_argument),
		cmocka_unit_test(comments_and_blank_lines_do_not_count),
		cmocka_unit_test(
			blanks_around_and_line_ends_of_windows_are_trimmed),
		cmocka_unit_test(the_last_line_needs_no_end),
		cmocka_unit_test(a_nul_byte_is_refused_with_its_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
