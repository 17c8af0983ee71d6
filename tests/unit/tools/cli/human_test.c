/* SPDX-License-Identifier: MIT */
/* Tests of tools/cli/human.c. */
#include <math.h>
#include <stdint.h>

#include "tests/unit/test.h"
#include "tools/cli/human.h"

TEST(sizes_are_powers_of_1000)
{
	assert_string_equal(human_bytes(0).text, "0 B");
	assert_string_equal(human_bytes(999).text, "999 B");
	assert_string_equal(human_bytes(1000).text, "1.0 kB");
	assert_string_equal(human_bytes(96e6).text, "96 MB");
	assert_string_equal(human_bytes(4e9).text, "4.0 GB");
	assert_string_equal(human_bytes(2.5e12).text, "2.5 TB");
}

TEST(rounding_never_shows_four_digits)
{
	assert_string_equal(human_bytes(999600).text, "1.0 MB");
	assert_string_equal(human_bytes(9.96e6).text, "10 MB");
}

TEST(what_is_not_known_is_a_question_mark)
{
	assert_string_equal(human_bytes(NAN).text, "?");
	assert_string_equal(human_bytes(-1).text, "?");
	assert_string_equal(human_rate(NAN).text, "?/s");
	assert_string_equal(human_ms(INFINITY).text, "?");
	assert_string_equal(human_clock(-1).text, "?");
}

TEST(short_pauses_keep_their_fraction)
{
	assert_string_equal(human_ms(0).text, "0 ms");
	assert_string_equal(human_ms(0.5).text, "0.5 ms");
	assert_string_equal(human_ms(48.2).text, "48 ms");
	assert_string_equal(human_ms(999).text, "999 ms");
	assert_string_equal(human_ms(18900).text, "18.9 s");
}

TEST(the_clock_shows_hours_only_when_there_are_any)
{
	assert_string_equal(human_clock(14999).text, "00:14");
	assert_string_equal(human_clock(3599e3).text, "59:59");
	assert_string_equal(human_clock(3723e3).text, "1:02:03");
}
