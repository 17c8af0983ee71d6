/* SPDX-License-Identifier: MIT */
/* look_ahead: what a forecast from the middle of a migration begins with. */
#include "engine/policy/look_ahead.h"

#include <math.h>
#include <stdlib.h>

#include "engine/policy/history.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static const double bps = 100e6;
static struct policy_facts facts;

static int setup(void **state)
{
	struct history *h = XNEW(struct history);

	facts = (struct policy_facts){ .budget_ms = 300, .fixed_ms = 20 };
	history_init(h, &facts, 16e9, 0);
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

/* Passes of a guest that dirties @rate bytes a second, of a set of @set. */
static void copy(struct history *h, double rate, double set, int passes)
{
	double left = 2e9, at_s = 0;

	for (int i = 1; i <= passes; i++) {
		double seconds = left / bps + 0.02;
		double dirty = fmin(rate * seconds, set);
		struct policy_pass p = {
			.number = i,
			.at_s = at_s += seconds,
			.seconds = seconds,
			.sent_bytes = (int64_t)left,
			.copied_bytes = (int64_t)left,
			.dirty_bytes = (int64_t)dirty,
			.bandwidth_bps = bps,
		};

		history_add_pass(h, &p);
		left = dirty;
	}
}

static struct forecast ahead(const struct history *h, double throttle)
{
	struct forecast f;

	look_ahead(&h->view, throttle, &f);
	return f;
}

TEST(a_guest_that_shrinks_gets_there)
{
	struct history *h = *state;

	copy(h, 20e6, 1e9, 2);
	assert_true(ahead(h, 0).p_converge > 0.9);
	assert_true(ahead(h, 0).seconds.p50 < 2);
}

TEST(a_guest_that_is_too_fast_does_not)
{
	struct history *h = *state;

	copy(h, 500e6, 1e9, 3);
	assert_true(ahead(h, 0).p_converge < FORECAST_NEVER);
}

TEST(a_wider_budget_lets_it)
{
	struct history *h = *state;

	copy(h, 500e6, 1e9, 3);
	facts.budget_ms = 15000;
	assert_true(ahead(h, 0).p_converge > 0.9);
	/* 10 s of copying and the fixed part */
	facts.fixed_ms = 10000;
	assert_true(ahead(h, 0).p_converge < FORECAST_NEVER);
}

/* Three seconds of passes that gain nothing, one until QEMU looks. */
TEST(a_guest_that_may_be_throttled_is_expected_to_be)
{
	struct history *h = *state;
	struct forecast soon, late;

	copy(h, 150e6, 8e9, 3);
	facts.may_throttle = true;
	soon = ahead(h, 0);
	assert_true(soon.p_converge > 0.9);
	assert_true(soon.seconds.p50 > 1);
	assert_true(soon.seconds.p90 >= soon.seconds.p50 + 1);
	assert_true(soon.bytes.p50 > 1 * bps * 0.9);
	/* the first pass ended so long ago that the throttle comes at once */
	h->passes[2].at_s = h->passes[0].at_s + POLICY_PULL_S;
	late = ahead(h, 0);
	h->passes[2].at_s = h->passes[0].at_s;
	soon = ahead(h, 0);
	assert_float_equal(soon.seconds.p50 - late.seconds.p50, POLICY_PULL_S,
			   1e-4);
	assert_float_equal(soon.seconds.p90 - late.seconds.p90, POLICY_PULL_S,
			   1e-4);
	assert_float_equal(soon.bytes.p90 - late.bytes.p90,
			   POLICY_PULL_S * policy_bandwidth_bps(&h->view), 1e3);
	h->passes[2].at_s = h->passes[0].at_s + POLICY_PULL_S + 5;
	assert_true(ahead(h, 0).seconds.p50 == late.seconds.p50);
}

TEST(a_guest_that_is_throttled_already_is_not_counted_on_for_more)
{
	struct history *h = *state;

	copy(h, 150e6, 8e9, 3);
	facts.may_throttle = true;
	assert_true(ahead(h, 0).p_converge > 0.9);
	assert_true(ahead(h, 0.1).p_converge < FORECAST_NEVER);
	assert_true(ahead(h, 0.9).p_converge > 0.9);
}

TEST(a_deadline_ends_it)
{
	struct history *h = *state;
	double now;

	copy(h, 60e6, 8e9, 3);
	now = history_last_pass(h)->at_s;
	facts.deadline_s = now + 60;
	assert_true(ahead(h, 0).p_converge > 0.9);
	facts.deadline_s = now + 0.1;
	assert_true(ahead(h, 0).p_converge < FORECAST_NEVER);
	/* one that is over is none to be forgotten */
	facts.deadline_s = now - 1;
	assert_true(ahead(h, 0).p_converge < FORECAST_NEVER);
}

TEST(a_deadline_may_come_before_a_throttle_does)
{
	struct history *h = *state;
	double now;

	copy(h, 150e6, 8e9, 3);
	facts.may_throttle = true;
	now = history_last_pass(h)->at_s;
	facts.deadline_s = now + 2;
	assert_true(ahead(h, 0).p_converge < FORECAST_NEVER);
	facts.deadline_s = now + 120;
	assert_true(ahead(h, 0).p_converge > 0.9);
}

TEST(passes_without_a_gain_are_counted_from_the_best)
{
	struct history *h = *state;
	double stuck, fresh;

	/* a fixed point that fits: a switch comes once passes are stuck */
	copy(h, 90e6, 20e6, 2);
	fresh = ahead(h, 0).passes;
	copy(h, 90e6, 20e6, 1);
	h->passes[2] = h->passes[1];
	for (int i = 0; i < 4; i++)
		history_add_pass(h, &h->passes[1]);
	stuck = ahead(h, 0).passes;
	assert_true(stuck == 0);
	assert_true(fresh > stuck);
	/* less than a tenth is no gain, more begins anew */
	h->passes[h->view.n_passes - 1].dirty_bytes =
		(int64_t)(0.91 * (double)h->passes[1].dirty_bytes);
	assert_true(ahead(h, 0).passes == 0);
	h->passes[h->view.n_passes - 1].dirty_bytes =
		(int64_t)(0.89 * (double)h->passes[1].dirty_bytes);
	assert_true(ahead(h, 0).passes > 0);
}

TEST(with_xbzrle_differences_are_expected_until_they_are_seen)
{
	struct history *h = *state;

	copy(h, 110e6, 200e6, 2);
	assert_true(ahead(h, 0).p_converge < FORECAST_NEVER);
	facts.xbzrle_shrink = 0.1;
	assert_true(ahead(h, 0).p_converge > 0.9);
	/* what the link does with them is known then */
	h->link.encoded = true;
	assert_true(ahead(h, 0).p_converge < FORECAST_NEVER);
}

TEST(a_sample_that_saw_next_to_nothing_change_is_not_believed)
{
	struct history *h = *state;
	struct forecast least, less;

	copy(h, 110e6, 200e6, 2);
	facts.xbzrle_shrink = 0.05;
	least = ahead(h, 0);
	facts.xbzrle_shrink = 0.001;
	less = ahead(h, 0);
	assert_memory_equal(&least, &less, sizeof(least));
	facts.xbzrle_shrink = 0.06;
	assert_true(ahead(h, 0).bytes.p50 > least.bytes.p50);
}

TEST(after_the_first_pass_the_next_still_sends_whole_pages)
{
	struct history *h = *state;
	struct forecast one, two;
	double left, more;

	facts.xbzrle_shrink = 0.5;
	copy(h, 20e6, 400e6, 1);
	one = ahead(h, 0);
	left = (double)h->passes[0].dirty_bytes;
	more = left * 0.5 / policy_bandwidth_bps(&h->view);
	/* the same, but for a pass that is said to have been there before */
	h->view.n_passes = 2;
	h->passes[1] = h->passes[0];
	two = ahead(h, 0);
	assert_true(more > 1);
	assert_float_equal(one.seconds.p50 - two.seconds.p50, more, 0.2);
	assert_float_equal(one.seconds.p90 - two.seconds.p90, more, 0.2);
}
