/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_blank.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/argv_case.h"
#include "transport/base/xalloc.h"

static void every_option_is_blanked_and_the_program_stays(void **state)
{
	AUTO_STRV struct strv argv = { .v = NULL }, out = { .v = NULL };
	AUTO_FREE char *text = NULL;

	(void)state;
	argv_case_split("q -iscsi password=hunter2 -m 1 ssh://u:hunter3@h/d",
			&argv);
	argv_blank_secrets(&argv, &out);
	text = strv_join(&out, " ");
	assert_string_equal(text, "q -iscsi password=*** -m 1 ssh://u:***@h/d");
}

static void an_empty_command_line_stays_empty(void **state)
{
	AUTO_STRV struct strv argv = { .v = NULL }, out = { .v = NULL };
	AUTO_FREE char *text = argv_blank_text(&argv, "words");

	(void)state;
	argv_blank_secrets(&argv, &out);
	assert_int_equal(out.n, 0);
	assert_string_equal(text, "words");
}

static void the_secrets_of_every_option_leave_the_text(void **state)
{
	AUTO_STRV struct strv argv = { .v = NULL };
	AUTO_FREE char *text = NULL;

	(void)state;
	argv_case_split("q -iscsi password=hunter2 -m 1 ssh://u:hunter3@h/d",
			&argv);
	text = argv_blank_text(&argv, "hunter2, hunter3, hunter4");
	assert_string_equal(text, "***, ***, hunter4");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_option_is_blanked_and_the_program_stays),
		cmocka_unit_test(an_empty_command_line_stays_empty),
		cmocka_unit_test(the_secrets_of_every_option_leave_the_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
