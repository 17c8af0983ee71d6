/* SPDX-License-Identifier: MIT */
/* Tests of tools/cli/suggest.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/cli/suggest.h"

static void a_near_word_is_suggested(void **state)
{
	struct suggestion s = { 0 };

	(void)state;
	suggest(&s, "migarte", "check");
	suggest(&s, "migarte", "migrate");
	assert_string_equal(s.word, "migrate");
}

static void the_nearest_of_several_wins(void **state)
{
	struct suggestion s = { 0 };

	(void)state;
	suggest(&s, "lits", "lint");
	suggest(&s, "list", "lint");
	suggest(&s, "list", "list");
	assert_string_equal(s.word, "list");
}

static void a_far_word_is_not_suggested(void **state)
{
	struct suggestion s = { 0 };

	(void)state;
	suggest(&s, "frobnicate", "migrate");
	assert_null(s.word);
}

static void a_short_word_needs_something_in_common(void **state)
{
	struct suggestion s = { 0 };

	(void)state;
	suggest(&s, "ab", "xy");
	assert_null(s.word);
}

static void a_very_long_word_is_left_alone(void **state)
{
	struct suggestion s = { 0 };
	char typed[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(typed) - 1; i++)
		typed[i] = 'm';
	typed[sizeof(typed) - 1] = '\0';
	suggest(&s, typed, "migrate");
	assert_null(s.word);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_near_word_is_suggested),
		cmocka_unit_test(the_nearest_of_several_wins),
		cmocka_unit_test(a_far_word_is_not_suggested),
		cmocka_unit_test(a_short_word_needs_something_in_common),
		cmocka_unit_test(a_very_long_word_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
