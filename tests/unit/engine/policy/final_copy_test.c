/* SPDX-License-Identifier: MIT */
/* final_copy: what the last copy can count on, and the last look; by table. */
#include "engine/policy/final_copy.h"

#include <math.h>
#include <stdlib.h>

#include "engine/policy/history.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static int setup(void **state)
{
	struct history *h = XNEW(struct history);

	history_init(h, NULL, 16e9, 0);
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	history_fini(*state);
	free(*state);
	return 0;
}

TEST_FIXTURE(setup, teardown);

static void add(struct history *h, double seconds, double bps, double ratio)
{
	struct policy_pass p = {
		.number = (int64_t)h->view.n_passes + 1,
		.seconds = seconds,
		.sent_bytes = (int64_t)(seconds * bps),
		.copied_bytes = (int64_t)(seconds * bps * fmax(ratio, 1)),
		.dirty_bytes = 50000000,
		.bandwidth_bps = bps,
		.encoded = ratio > 0,
	};

	history_add_pass(h, &p);
}

/* --- the link ------------------------------------------------------------ */

TEST(the_fastest_long_pass_is_what_the_wire_carries)
{
	struct history *h = *state;

	assert_true(final_copy_wire_bps(&h->view) == 0);
	add(h, 0.29, 300e6, 0);
	assert_true(final_copy_wire_bps(&h->view) == 0);
	add(h, 0.3, 90e6, 0);
	assert_true(final_copy_wire_bps(&h->view) == 90e6);
	add(h, 1, 100e6, 0);
	add(h, 1, 80e6, 0);
	assert_true(final_copy_wire_bps(&h->view) == 100e6);
}

TEST(a_stream_of_whole_pages_has_a_ratio_of_1)
{
	struct history *h = *state;

	assert_true(final_copy_ratio(&h->view) == 1);
	for (int i = 0; i < 5; i++)
		add(h, 1, 100e6, 0);
	assert_true(final_copy_ratio(&h->view) == 1);
}

TEST(one_pass_of_differences_is_not_believed)
{
	struct history *h = *state;

	add(h, 1, 100e6, 0);
	add(h, 1, 10e6, 6);
	assert_true(final_copy_ratio(&h->view) == 1);
	add(h, 1, 10e6, 6);
	assert_float_equal(final_copy_ratio(&h->view), 6, 1e-6);
}

TEST(the_worst_of_the_last_four_passes_counts)
{
	struct history *h = *state;

	add(h, 1, 10e6, 2);
	for (int i = 0; i < 3; i++)
		add(h, 1, 10e6, 5 + i);
	assert_float_equal(final_copy_ratio(&h->view), 2, 1e-6);
	add(h, 1, 10e6, 9);
	assert_float_equal(final_copy_ratio(&h->view), 5, 1e-6);
}

TEST(passes_before_differences_do_not_count)
{
	struct history *h = *state;

	add(h, 1, 10e6, 2);
	add(h, 1, 10e6, 0);
	add(h, 1, 10e6, 7);
	assert_true(final_copy_ratio(&h->view) == 1);
	add(h, 1, 10e6, 7);
	assert_float_equal(final_copy_ratio(&h->view), 7, 1e-6);
}

TEST(a_pass_that_copied_little_shows_no_ratio)
{
	struct history *h = *state;
	struct policy_pass p = { .seconds = 1,
				 .sent_bytes = 100000,
				 .copied_bytes = 128 * 1024 - 1,
				 .encoded = true };

	add(h, 1, 10e6, 7);
	add(h, 1, 10e6, 7);
	history_add_pass(h, &p);
	assert_float_equal(final_copy_ratio(&h->view), 7, 1e-6);
	p.copied_bytes++;
	history_add_pass(h, &p);
	assert_float_equal(final_copy_ratio(&h->view), 128 * 1024 / 1e5, 1e-6);
	/* nothing was sent of what was copied: that is no ratio at all */
	p.copied_bytes = 1 << 20;
	p.sent_bytes = 0;
	history_add_pass(h, &p);
	assert_float_equal(final_copy_ratio(&h->view), 128 * 1024 / 1e5, 1e-6);
}

TEST(a_pass_that_sent_next_to_nothing_shows_a_ratio)
{
	struct history *h = *state;
	struct policy_pass p = { .seconds = 1,
				 .sent_bytes = 1,
				 .copied_bytes = 1 << 20,
				 .encoded = true };

	add(h, 1, 10e6, 7);
	history_add_pass(h, &p);
	assert_float_equal(final_copy_ratio(&h->view), 7, 1e-6);
}

TEST(differences_longer_than_pages_count_as_pages)
{
	struct history *h = *state;

	for (int i = 0; i < 3; i++) {
		struct policy_pass p = { .seconds = 1,
					 .sent_bytes = 20000000,
					 .copied_bytes = 10000000,
					 .encoded = true };

		history_add_pass(h, &p);
	}
	assert_true(final_copy_ratio(&h->view) == 1);
}

TEST(a_link_that_became_slower_is_seen_in_the_pass_under_way)
{
	struct history *h = *state;
	double learnt;

	for (int i = 0; i < 4; i++)
		add(h, 1, 100e6, 0);
	learnt = policy_bandwidth_bps(&h->view);
	assert_true(final_copy_bps(&h->view, 0) == learnt);
	assert_true(final_copy_bps(&h->view, 50e6) == 50e6 * 1.1);
	assert_true(final_copy_bps(&h->view, 500e6) == learnt);
}

TEST(with_differences_the_wire_bounds_what_is_counted_on)
{
	struct history *h = *state;

	add(h, 1, 100e6, 0);
	for (int i = 0; i < 3; i++)
		add(h, 0.4, 20e6, 3);
	/* 60 MB/s of memory were seen; the pass under way says nothing of it */
	assert_true(final_copy_bps(&h->view, 1) ==
		    policy_bandwidth_bps(&h->view));
	for (size_t i = 0; i < h->view.n_passes; i++)
		h->passes[i].bandwidth_bps = 5e6;
	assert_float_equal(final_copy_bps(&h->view, 1), 15e6, 1);
}

TEST(a_pass_is_measured_after_three_tenths_of_a_second)
{
	assert_true(final_copy_pass_bps(29e6, 0.29) == 0);
	assert_float_equal(final_copy_pass_bps(30e6, 0.3), 100e6, 1);
	assert_true(final_copy_pass_bps(0, 1) == 0);
	assert_true(final_copy_pass_bps(1e6, 0) == 0);
}

TEST(four_passes_show_what_one_costs_besides_copying)
{
	struct history *h = *state;

	for (int i = 0; i < 3; i++)
		add(h, 1 + i, 100e6, 0);
	assert_true(final_copy_overhead_s(&h->view) == 0);
	add(h, 4, 100e6, 0);
	assert_true(final_copy_overhead_s(&h->view) ==
		    forecast_link_overhead_s(h->view.link));
	assert_true(final_copy_overhead_s(&h->view) > 0);
}

/* --- the last look ------------------------------------------------------- */

TEST(the_rest_takes_its_bytes_over_the_bandwidth)
{
	struct history *h = *state;
	struct final_copy_rest rest = { .remaining_bytes = 20e6, .bps = 100e6 };

	add(h, 1, 100e6, 0);
	assert_float_equal(final_copy_rest_ms(h->view.curve, &rest), 200, 1e-9);
	rest.unsynced_s = -1;
	assert_float_equal(final_copy_rest_ms(h->view.curve, &rest), 200, 1e-9);
}

TEST(what_was_dirtied_since_the_sync_is_added)
{
	struct history *h = *state;
	struct final_copy_rest rest = { .remaining_bytes = 20e6,
					.bps = 100e6,
					.unsynced_s = 0.5 };
	double more = curve_at(h->view.curve, 0.5);

	assert_true(more == 0);
	add(h, 1, 100e6, 0);
	more = curve_at(h->view.curve, 0.5);
	assert_true(more > 10e6);
	assert_float_equal(final_copy_rest_ms(h->view.curve, &rest),
			   200 + more / 100e6 * 1e3, 1e-9);
	/* a throttled guest had less of its time to dirty it */
	rest.throttle = 0.8;
	more = curve_at(h->view.curve, 0.5 * (1 - 0.8));
	assert_float_equal(final_copy_rest_ms(h->view.curve, &rest),
			   200 + more / 100e6 * 1e3, 1e-9);
}

/* What `left` and what is written in @seconds come to, in bytes. */
static double rest_bytes(const struct history *h, double left, double seconds)
{
	const struct final_copy_rest rest = { .remaining_bytes = left,
					      .bps = 1e3,
					      .unsynced_s = seconds };

	return final_copy_rest_ms(h->view.curve, &rest);
}

/* Passes of which each found what a guest writes that has a set of 40 MB. */
static void learn_set(struct history *h, double rate_bps)
{
	for (int i = 0; i < 6; i++) {
		double s = 0.1 * (1 << i);

		curve_add(&h->curve, s, fmin(rate_bps * s, 40e6));
	}
}

TEST(no_page_is_counted_twice_in_what_is_left)
{
	struct history *h = *state;
	double all;

	learn_set(h, 100e6);
	all = curve_working_set(h->view.curve);
	assert_true(fabs(all / 40e6 - 1) < 0.05);
	/* all of the set is left: 20 MB more are written, and are the same */
	assert_true(rest_bytes(h, 40e6, 0.2) < 43e6);
	assert_true(rest_bytes(h, 30e6, 0.5) < 43e6);
	/* a page more than is known of is still one */
	assert_true(rest_bytes(h, 90e6, 0.5) == 90e6);
}

/* What it writes next is what it has not written for longest. */
TEST(a_guest_that_goes_around_writes_where_nothing_is_left)
{
	struct history *h = *state;

	learn_set(h, 100e6);
	/* a pass of 0.2 s found 20 MB; the next 10 MB are others */
	assert_true(rest_bytes(h, 20e6, 0.1) > 29e6);
}

TEST(a_set_that_is_hardly_known_hides_no_page)
{
	struct history *h = *state;

	curve_add(&h->curve, 1, 20e6);
	assert_true(rest_bytes(h, 20e6, 0.1) > 20.5e6);
}

TEST(qemu_11_has_synced_when_it_stops_the_guest)
{
	assert_true(final_copy_unsynced_s(7, 0.5) == 0.5);
	assert_true(final_copy_unsynced_s(10, 0.5) == 0.5);
	assert_true(final_copy_unsynced_s(11, 0.5) == 0);
	assert_true(final_copy_unsynced_s(12, 0.5) == 0);
}

TEST(the_fixed_cost_counts_less_what_the_guest_was_paused_for)
{
	assert_true(final_copy_pause_ms(0, 200, 30) == 230);
	assert_true(final_copy_pause_ms(10, 200, 30) == 220);
	assert_true(final_copy_pause_ms(30, 200, 30) == 200);
	assert_true(final_copy_pause_ms(50, 200, 30) == 200);
	assert_true(final_copy_pause_ms(50, 0, 0) == 0);
}

TEST(a_prediction_may_exceed_the_budget_by_a_twentieth)
{
	static const struct {
		double paused, more;
		bool keeps;
	} rows[] = {
		{ 0, 0, true },
		{ 0, 300, true },
		{ 100, 200, true },
		{ 0, 315, true },
		{ 0, 316, false },
		{ 100, 215, true },
		{ 100, 216, false },
		/* what is over already is no prediction */
		{ 300, 0, true },
		{ 300, 14, true },
		{ 300.1, 0, false },
		{ 310, 0, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(final_copy_keeps(300, rows[i].paused,
						  rows[i].more),
				 rows[i].keeps);
}
