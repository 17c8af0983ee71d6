/* SPDX-License-Identifier: MIT */
/* Tests of tools/cli/human.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/cli/human.h"

static void sizes_are_powers_of_1000(void **state)
{
	(void)state;
	assert_string_equal(human_bytes(0).text, "0 B");
	assert_string_equal(human_bytes(999).text, "999 B");
	assert_string_equal(human_bytes(1000).text, "1.0 kB");
	assert_string_equal(human_bytes(96e6).text, "96 MB");
	assert_string_equal(human_bytes(4e9).text, "4.0 GB");
	assert_string_equal(human_bytes(2.5e12).text, "2.5 TB");
}

static void rounding_never_shows_four_digits(void **state)
{
	(void)state;
	assert_string_equal(human_bytes(999600).text, "1.0 MB");
	assert_string_equal(human_bytes(9.96e6).text, "10 MB");
}

static void what_is_not_known_is_a_question_mark(void **state)
{
	(void)state;
	assert_string_equal(human_bytes(NAN).text, "?");
	assert_string_equal(human_bytes(-1).text, "?");
	assert_string_equal(human_rate(NAN).text, "?/s");
	assert_string_equal(human_ms(INFINITY).text, "?");
	assert_string_equal(human_clock(-1).text, "?");
}

static void short_pauses_keep_their_fraction(void **state)
{
	(void)state;
	assert_string_equal(human_ms(0).text, "0 ms");
	assert_string_equal(human_ms(0.5).text, "0.5 ms");
	assert_string_equal(human_ms(48.2).text, "48 ms");
	assert_string_equal(human_ms(999).text, "999 ms");
	assert_string_equal(human_ms(18900).text, "18.9 s");
}

static void the_clock_shows_hours_only_when_there_are_any(void **state)
{
	(void)state;
	assert_string_equal(human_clock(14999).text, "00:14");
	assert_string_equal(human_clock(3599e3).text, "59:59");
	assert_string_equal(human_clock(3723e3).text, "1:02:03");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_powers_of_1000),
		cmocka_unit_test(rounding_never_shows_four_digits),
		cmocka_unit_test(what_is_not_known_is_a_question_mark),
		cmocka_unit_test(short_pauses_keep_their_fraction),
		cmocka_unit_test(the_clock_shows_hours_only_when_there_are_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
