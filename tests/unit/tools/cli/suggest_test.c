/* SPDX-License-Identifier: MIT */
/* Tests of tools/cli/suggest.c. */
#include <stdint.h>

#include "tests/unit/test.h"
#include "tools/cli/suggest.h"

TEST(a_near_word_is_suggested)
{
	struct suggestion s = { 0 };

	suggest(&s, "migarte", "check");
	suggest(&s, "migarte", "migrate");
	assert_string_equal(s.word, "migrate");
}

TEST(the_nearest_of_several_wins)
{
	struct suggestion s = { 0 };

	suggest(&s, "lits", "lint");
	suggest(&s, "list", "lint");
	suggest(&s, "list", "list");
	assert_string_equal(s.word, "list");
}

TEST(a_far_word_is_not_suggested)
{
	struct suggestion s = { 0 };

	suggest(&s, "frobnicate", "migrate");
	assert_null(s.word);
}

TEST(a_short_word_needs_something_in_common)
{
	struct suggestion s = { 0 };

	suggest(&s, "ab", "xy");
	assert_null(s.word);
}

TEST(a_very_long_word_is_left_alone)
{
	struct suggestion s = { 0 };
	char typed[4096];

	for (size_t i = 0; i < sizeof(typed) - 1; i++)
		typed[i] = 'm';
	typed[sizeof(typed) - 1] = '\0';
	suggest(&s, typed, "migrate");
	assert_null(s.word);
}
