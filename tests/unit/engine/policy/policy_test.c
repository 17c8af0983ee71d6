/* SPDX-License-Identifier: MIT */
/* policy: one claim a test. */
#include "engine/policy/policy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/policy/policy_list.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static const double bps = 100e6;

struct bench {
	struct policy_facts facts;
	struct policy_view view;
	struct curve curve;
	struct forecast_link link;
	struct policy_pass passes[64];
};

static int setup(void **state)
{
	struct bench *b = XNEW(struct bench);

	b->facts = (struct policy_facts){ .budget_ms = 300,
					  .ram_bytes = 1e9,
					  .fixed_ms = POLICY_FIXED_MS,
					  .throttle_max = POLICY_THROTTLE_MAX };
	b->view = (struct policy_view){ .facts = &b->facts,
					.curve = &b->curve,
					.link = &b->link,
					.passes = b->passes,
					.gate_ms = POLICY_HOLD_MS };
	curve_init(&b->curve, b->facts.ram_bytes);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

TEST_FIXTURE(setup, teardown);

static void add_pass(struct bench *b, double copied, double left, double dirty)
{
	struct policy_pass *p = &b->passes[b->view.n_passes++];

	*p = (struct policy_pass){
		.number = (int64_t)b->view.n_passes,
		.seconds = copied / bps,
		.sent_bytes = (int64_t)copied,
		.copied_bytes = (int64_t)copied,
		.left_bytes = (int64_t)left,
		.dirty_bytes = (int64_t)dirty,
		.bandwidth_bps = bps,
	};
	b->view.now_s += p->seconds;
	p->at_s = b->view.now_s;
	b->view.pass_ended = true;
	policy_learn(&b->curve, &b->link, p);
}

TEST(prediction_is_copy_time_plus_fixed_cost)
{
	struct bench *b = *state;

	add_pass(b, 1e9, 0, 10e6);
	assert_true(fabs(policy_predict_ms(&b->view, 10e6) - 120) < 2);
}

TEST(prediction_is_unknown_without_a_bandwidth)
{
	struct bench *b = *state;

	assert_true(isnan(policy_predict_ms(&b->view, 1000)));
}

TEST(the_room_is_the_budget_less_the_fixed_cost)
{
	struct bench *b = *state;

	assert_true(policy_room_ms(&b->facts) == 300 - POLICY_FIXED_MS);
	b->facts.budget_ms = 5;
	assert_true(policy_room_ms(&b->facts) == POLICY_HOLD_MS);
}

TEST(a_gate_that_is_set_already_is_a_wait)
{
	struct bench *b = *state;
	struct policy_decision d;

	policy_gate(&b->view, &d, 50, "%s", "so");
	assert_int_equal(d.action, POLICY_GATE);
	b->view.gate_ms = 50;
	policy_gate(&b->view, &d, 50.4, "%s", "so");
	assert_int_equal(d.action, POLICY_WAIT);
	assert_string_equal(d.why, "so");
}

TEST(a_gate_is_never_set_to_less_than_the_hold)
{
	struct bench *b = *state;
	struct policy_decision d;

	b->view.gate_ms = 50;
	policy_gate(&b->view, &d, 0, "%s", "so");
	assert_true(d.gate_ms == POLICY_HOLD_MS);
	policy_gate(&b->view, &d, NAN, "%s", "so");
	assert_true(d.gate_ms == POLICY_HOLD_MS);
}

TEST(before_the_deadline_nothing_is_decided)
{
	struct bench *b = *state;
	struct policy_decision d;

	assert_false(policy_deadline(&b->view, &d));
	b->facts.deadline_s = 60;
	b->view.now_s = 59.9;
	assert_false(policy_deadline(&b->view, &d));
}

TEST(every_policy_gives_up_at_the_deadline)
{
	struct bench *b = *state;
	struct policy_decision d;

	b->facts.deadline_s = 60;
	add_pass(b, 1e9, 0, 200e6);
	b->view.now_s = 60;
	for (size_t i = 0; policy_list[i]; i++) {
		policy_list[i]->decide(&b->view, &d);
		assert_int_equal(d.action, POLICY_GIVE_UP);
	}
}

TEST(every_policy_lifts_the_budget_at_a_deadline_that_forces)
{
	struct bench *b = *state;
	struct policy_decision d;

	b->facts.deadline_s = 60;
	b->facts.force = true;
	add_pass(b, 1e9, 0, 200e6);
	b->view.now_s = 60;
	for (size_t i = 0; policy_list[i]; i++) {
		policy_list[i]->decide(&b->view, &d);
		assert_int_equal(d.action, POLICY_GATE);
		assert_true(d.lifted);
		assert_true(d.gate_ms == POLICY_WIDE_MS);
	}
}

TEST(what_was_left_over_is_not_learnt_as_dirtied)
{
	struct bench *b = *state;

	add_pass(b, 1e9, 0, 100e6);
	for (int i = 0; i < 12; i++)
		add_pass(b, 20e6, 50e6, 55e6);
	assert_true(curve_at(&b->curve, 0.2) < 20e6);
}

TEST(a_throttled_pass_is_learnt_in_the_time_that_was_left)
{
	struct bench *b = *state;
	struct policy_pass p = { .number = 2,
				 .seconds = 1,
				 .sent_bytes = 100000000,
				 .copied_bytes = 100000000,
				 .dirty_bytes = 10000000,
				 .throttle = 0.9 };
	double there;

	for (int i = 0; i < 5; i++)
		policy_learn(&b->curve, &b->link, &p);
	there = curve_at(&b->curve, 0.1);
	assert_true(there > 8e6 && there < 12e6);
}

TEST(differences_are_another_link)
{
	struct bench *b = *state;
	struct policy_pass p = { .seconds = 1,
				 .sent_bytes = 100000000,
				 .copied_bytes = 100000000,
				 .dirty_bytes = 80000000 };

	for (int i = 0; i < 2; i++) {
		policy_learn(&b->curve, &b->link, &p);
		b->passes[b->view.n_passes++] = p;
	}
	assert_true(fabs(policy_bandwidth_bps(&b->view) / bps - 1) < 0.1);
	p.encoded = true;
	p.seconds = 0.1;
	p.sent_bytes = 2000000;
	policy_learn(&b->curve, &b->link, &p);
	b->passes[b->view.n_passes++] = p;
	/* what of a pass is no copying is not known yet */
	assert_true(policy_bandwidth_bps(&b->view) > 8 * bps);
	assert_true(policy_bandwidth_bps(&b->view) < 25 * bps);
}

TEST(passes_of_differences_are_learnt_together)
{
	struct bench *b = *state;
	struct policy_pass p = { .seconds = 0.1,
				 .sent_bytes = 2000000,
				 .copied_bytes = 80000000,
				 .dirty_bytes = 80000000,
				 .encoded = true };
	double once;

	policy_learn(&b->curve, &b->link, &p);
	assert_true(b->link.encoded);
	once = b->link.n;
	policy_learn(&b->curve, &b->link, &p);
	assert_true(b->link.n > once);
}

TEST(what_was_left_over_counts_once_there_is_a_curve)
{
	struct bench *b = *state;
	struct policy_pass p = { .left_bytes = 50000000,
				 .dirty_bytes = 80000000 };

	assert_true(policy_dirtied(&b->curve, &p) == 30e6);
	curve_add(&b->curve, 1, 100e6);
	assert_true(policy_dirtied(&b->curve, &p) > 30e6);
	p.left_bytes = 0;
	assert_true(policy_dirtied(&b->curve, &p) == 80e6);
	p.left_bytes = 90000000;
	assert_true(policy_dirtied(&b->curve, &p) == 0);
}

TEST(the_worst_fixed_cost_is_twice_the_usual_until_it_is_known)
{
	struct policy_facts f = { .fixed_ms = 20 };

	assert_true(policy_fixed_worst_ms(&f) == 40);
	f.fixed_worst_ms = 0.5;
	assert_true(policy_fixed_worst_ms(&f) == 0.5);
	f.fixed_worst_ms = 70;
	assert_true(policy_fixed_worst_ms(&f) == 70);
}

/* Passes of 40 MB that take 0.4 s, and so much more or less. */
static void add_uneven(struct bench *b, double part)
{
	add_pass(b, 1e9, 0, 40e6);
	for (int i = 0; i < 20; i++)
		add_pass(b, 40e6, 0, 40e6);
	for (size_t i = 1; i < b->view.n_passes; i++)
		b->passes[i].seconds *= i % 2 ? 1 + part : 1 / (1 + part);
}

TEST(a_link_is_doubted_as_much_as_its_passes_differ)
{
	struct bench *b = *state;

	assert_true(policy_link_sigma(&b->view) == FORECAST_PRIOR_LINK);
	add_uneven(b, 0.2);
	assert_true(fabs(policy_link_sigma(&b->view) / log(1.2) - 1) < 0.1);
}

TEST(the_first_pass_is_no_measure_of_the_link)
{
	struct bench *b = *state;
	double before;

	add_uneven(b, 0.05);
	before = policy_link_sigma(&b->view);
	b->passes[0].seconds *= 10;
	assert_true(policy_link_sigma(&b->view) == before);
}

TEST(advice_is_above_the_prediction_by_the_doubt)
{
	struct bench *b = *state;
	double predicted, sure;

	add_uneven(b, 0);
	predicted = policy_predict_ms(&b->view, 40e6);
	sure = policy_sure_ms(&b->view, 40e6);
	assert_true(sure > predicted * 1.05 && sure < predicted * 1.5);
	for (size_t i = 1; i < b->view.n_passes; i++)
		b->passes[i].seconds *= i % 2 ? 1.2 : 1 / 1.2;
	assert_true(policy_sure_ms(&b->view, 40e6) > sure * 1.4);
}

TEST(a_deadline_that_came_too_early_asks_for_no_budget)
{
	struct bench *b = *state;
	struct policy_decision d;

	b->facts.deadline_s = 1;
	add_pass(b, 1e9, 0, 40e6);
	b->facts.budget_ms = 300;
	assert_true(policy_deadline(&b->view, &d));
	assert_non_null(strstr(d.why, "it would take a budget of "));
	b->facts.budget_ms = 600;
	assert_true(policy_deadline(&b->view, &d));
	assert_null(strstr(d.why, "a budget of "));
}
