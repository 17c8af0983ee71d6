/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_blank.c. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/argv_case.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

TEST(every_option_is_blanked_and_the_program_stays)
{
	AUTO_STRV struct strv argv = { .v = NULL }, out = { .v = NULL };
	AUTO_FREE char *text = NULL;

	argv_case_split("q -iscsi password=hunter2 -m 1 ssh://u:hunter3@h/d",
			&argv);
	argv_blank_secrets(&argv, &out);
	text = strv_join(&out, " ");
	assert_string_equal(text, "q -iscsi password=*** -m 1 ssh://u:***@h/d");
}

TEST(an_empty_command_line_stays_empty)
{
	AUTO_STRV struct strv argv = { .v = NULL }, out = { .v = NULL };
	AUTO_FREE char *text = argv_blank_text(&argv, "words");

	argv_blank_secrets(&argv, &out);
	assert_int_equal(out.n, 0);
	assert_string_equal(text, "words");
}

TEST(the_secrets_of_every_option_leave_the_text)
{
	AUTO_STRV struct strv argv = { .v = NULL };
	AUTO_FREE char *text = NULL;

	argv_case_split("q -iscsi password=hunter2 -m 1 ssh://u:hunter3@h/d",
			&argv);
	text = argv_blank_text(&argv, "hunter2, hunter3, hunter4");
	assert_string_equal(text, "***, ***, hunter4");
}
