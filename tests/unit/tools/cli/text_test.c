/* SPDX-License-Identifier: MIT */
/* Tests of tools/cli/text.c. */
#include <stdint.h>

#include "tests/unit/test.h"
#include "tools/cli/text.h"

static void assert_put(bool utf8, const char *text, const char *expected)
{
	struct buf b = { 0 };

	text_put(&b, utf8, text);
	assert_string_equal(buf_data(&b), expected);
	buf_free(&b);
}

TEST(an_escape_sequence_is_shown_not_obeyed)
{
	assert_put(true, "a\033[2Jb", "a\\x1b[2Jb");
	assert_put(true, "bell\a del\177", "bell\\x07 del\\x7f");
}

TEST(c1_controls_are_shown_too)
{
	assert_put(true,
		   "a\xc2\x9b"
		   "2J",
		   "a\\xc2\\x9b2J");
	assert_put(true,
		   "a\x9b"
		   "2J",
		   "a\\x9b2J");
}

TEST(marks_that_turn_the_writing_around_are_shown)
{
	assert_put(true, "a\u202eb", "a\\xe2\\x80\\xaeb");
	assert_put(true, "a\u2066b", "a\\xe2\\x81\\xa6b");
}

TEST(line_breaks_and_tabs_become_blanks)
{
	assert_put(true, "a\nb\tc", "a b c");
}

TEST(letters_of_other_alphabets_stay)
{
	assert_put(true, "caf\u00e9 \u65e5\u672c", "caf\u00e9 \u65e5\u672c");
}

TEST(what_is_beside_the_surrogates_stays)
{
	assert_put(true, "a\xed\x9f\xbf|\xee\x80\x80|",
		   "a\xed\x9f\xbf|\xee\x80\x80|");
}

TEST(bytes_that_are_not_utf8_are_shown)
{
	assert_put(true, "\xff\xc0\xaf\xed\xa0\x80|\xe2\x82",
		   "\\xff\\xc0\\xaf\\xed\\xa0\\x80|\\xe2\\x82");
}

TEST(ascii_has_spellings_for_our_own_signs)
{
	assert_put(false, "\u2714 a \u2192 b \u00b1 1 \u00d7 2",
		   "OK a -> b +- 1 x 2");
	assert_put(false, "caf\u00e9", "caf?");
}

TEST(the_format_cannot_smuggle_anything)
{
	struct buf b = { 0 };

	text_putf(&b, true, "%s %d", "\033]0;x", 7);
	assert_string_equal(buf_data(&b), "\\x1b]0;x 7");
	buf_free(&b);
}

TEST(width_counts_letters_not_bytes)
{
	assert_int_equal(text_width("caf\u00e9 \u2192"), 6);
	assert_int_equal(text_width(""), 0);
}

TEST(fit_cuts_between_letters)
{
	struct buf b = { 0 };

	buf_printf(&b, "keep|");
	buf_printf(&b, "\u2192\u2192\u2192abc");
	text_fit(&b, 5, 4);
	assert_string_equal(buf_data(&b), "keep|\u2192\u2192\u2192a");
	text_fit(&b, 5, 40);
	assert_string_equal(buf_data(&b), "keep|\u2192\u2192\u2192a");
	text_fit(&b, 5, 0);
	assert_string_equal(buf_data(&b), "keep|");
	buf_free(&b);
}

TEST(a_cell_is_filled_up_but_never_cut)
{
	struct buf b = { 0 };

	text_cell(&b, "ab", 4, false);
	text_cell(&b, "\u2192", 3, true);
	text_cell(&b, "longer", 2, false);
	assert_string_equal(buf_data(&b), "ab    \u2192longer");
	buf_free(&b);
}
