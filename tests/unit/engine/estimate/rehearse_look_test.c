/* SPDX-License-Identifier: MIT */
/* rehearse_look: what a rehearsal concludes; one claim a test. */
#include "engine/estimate/rehearse.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

TEST(a_pass_is_seen_though_the_next_has_begun)
{
	const struct rehearse_look before = { .left = 10, .taken = 1000 };
	/* the 10 went out, 500 were dirty, 32 of these are taken already */
	const struct rehearse_look now = { .left = 468, .taken = 1042 };

	assert_int_equal(rehearse_dirtied(&before, &now), 500);
}

TEST(what_does_not_add_up_is_what_is_left)
{
	const struct rehearse_look before = { .left = 900, .taken = 1000 };
	const struct rehearse_look now = { .left = 7, .taken = 1000 };

	assert_int_equal(rehearse_dirtied(&before, &now), 7);
}

TEST(without_an_account_of_it_what_is_left_was_dirtied)
{
	const struct rehearse_look before = { .left = 7, .taken = 1000 };
	const struct rehearse_look now = { .left = 7, .taken = 1000 };

	assert_int_equal(rehearse_dirtied(&before, &now), 7);
}

TEST(what_is_written_is_surely_left)
{
	const struct rehearse_look now = { .left = 3, .written = 9000 };

	assert_int_equal(rehearse_surely_left(&now, 4000), 5000 + 3 * 9);
	assert_int_equal(rehearse_surely_left(&now, 9500), 3 * 9);
}

/* All of what is left may be zeroes, and thousands more be under way. */
TEST(far_from_the_end_zeroes_are_counted)
{
	const struct rehearse_look before = { .left = 200000 };
	const struct rehearse_look now = { .left = 100000, .written = 5000 };
	uint64_t credit = rehearse_credit(&before, &now, 2000, 64);

	assert_true(credit > 0);
	assert_true((credit - 3000) / 9 + 4096 + 64 <= 100000);
}

TEST(near_the_end_only_what_is_written_is_read)
{
	const struct rehearse_look before = { .left = 2000, .zero = 5 };
	const struct rehearse_look now = { .left = 1000,
					   .zero = 5,
					   .written = 90000 };

	assert_int_equal(rehearse_credit(&before, &now, 10000, 64), 80000);
}

TEST(among_zeroes_half_is_read)
{
	const struct rehearse_look before = { .left = 2000, .zero = 5 };
	const struct rehearse_look now = { .left = 1064,
					   .zero = 900,
					   .written = 90000 };

	assert_int_equal(rehearse_credit(&before, &now, 10000, 64), 4500);
}

TEST(it_never_comes_to_a_halt_on_the_way_down)
{
	for (uint64_t left = 66; left < 10000; left += 7) {
		const struct rehearse_look l = { .left = left };

		assert_true(rehearse_credit(&l, &l, 12345, 64) > 0);
	}
}

TEST(a_gate_is_shut_only_below_a_page)
{
	assert_true(rehearse_gate_is_shut(8));	 /* 1000 bytes a ms */
	assert_false(rehearse_gate_is_shut(33)); /* 4125 */
	assert_false(rehearse_gate_is_shut(800));
}

TEST(a_gate_of_nothing_is_wide_open)
{
	assert_false(rehearse_gate_is_shut(0));
	assert_false(rehearse_gate_is_shut(0.007)); /* less than a byte a ms */
	assert_false(rehearse_window_is_slow(0, 1000, 1000));
}

TEST(a_window_is_slow_whatever_was_written_in_it)
{
	assert_true(rehearse_window_is_slow(2000, 300000, 1000));
	assert_false(rehearse_window_is_slow(2000, 300000, 50));
	assert_false(rehearse_window_is_slow(2000, 300000, 0));
}

TEST(short_and_long_passes_take_turns)
{
	for (size_t n = 0; n < 100; n += 2) {
		assert_true(rehearse_target_s(n) == 0);
		assert_true(rehearse_target_s(n + 1) >= 1);
		assert_true(rehearse_target_s(n + 3) >=
			    rehearse_target_s(n + 1));
	}
}
