/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_file.c. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/argv/argv.h"
#include "tests/unit/test.h"
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

TEST(each_line_is_one_argument)
{
	expect_args("-m\n1G\n-append\nroot=/dev/vda rw\n",
		    "-m|1G|-append|root=/dev/vda rw");
}

TEST(comments_and_blank_lines_do_not_count)
{
	expect_args("# mine\n\n  # too\n-S\n   \n", "-S");
}

TEST(blanks_around_and_line_ends_of_windows_are_trimmed)
{
	expect_args("  -m \r\n\t1G\r\n", "-m|1G");
}

TEST(the_last_line_needs_no_end)
{
	expect_args("-m\n1G", "-m|1G");
	expect_args("", "");
}

TEST(a_nul_byte_is_refused_with_its_line)
{
	AUTO_STRV struct strv out = { .v = NULL };
	AUTO_ERR struct err err = { .kind = ERR_NONE };

	assert_int_equal(argv_file_parse("-m\n1\0G\n", 7, &out, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.message, "line 2"));
	assert_int_equal(out.n, 0);
}
