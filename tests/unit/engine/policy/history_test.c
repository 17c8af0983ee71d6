/* SPDX-License-Identifier: MIT */
/* history: what is kept, what is learnt from it, what a policy is shown. */
#include "engine/policy/history.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

enum { MANY = 300 };
static const double ram = 4e9;
static const struct policy_facts facts = { .budget_ms = 300 };

static int setup(void **state)
{
	struct history *h = XNEW(struct history);

	history_init(h, &facts, ram, 0);
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	struct history *h = *state;

	history_fini(h);
	free(h);
	return 0;
}

TEST_FIXTURE(setup, teardown);

/* The @number-th, of 100 MB that went through in 1 s and left 50 MB. */
static struct policy_pass pass_of(int64_t number)
{
	return (struct policy_pass){
		.number = number,
		.at_s = (double)number,
		.seconds = 1,
		.sent_bytes = 100000000,
		.copied_bytes = 100000000,
		.dirty_bytes = 50000000,
	};
}

static void add_passes(struct history *h, int n)
{
	for (int i = 1; i <= n; i++) {
		struct policy_pass p = pass_of(i);

		history_add_pass(h, &p);
	}
}

/* Opens the gate at the end of a pass, and waits between two. */
static struct policy_view shown;
static struct policy_decision shown_last;
static void note_view(const struct policy_view *v, struct policy_decision *d)
{
	shown = *v;
	if (v->last)
		shown_last = *v->last;
	d->action = v->pass_ended ? POLICY_GATE : POLICY_WAIT;
	snprintf(d->why, sizeof(d->why), "after pass %zu", v->n_passes);
}
static const struct policy noting = { .name = "noting", .decide = note_view };

TEST(it_begins_empty_and_knows_what_is_wanted)
{
	struct history *h = *state;

	assert_int_equal(h->view.n_passes, 0);
	assert_int_equal(h->view.n_samples, 0);
	assert_ptr_equal(h->view.facts, &facts);
	assert_null(h->view.last);
	assert_null(history_last_pass(h));
	assert_false(curve_known(h->view.curve));
	assert_false(forecast_link_known(h->view.link));
}

TEST(all_passes_are_kept_in_order)
{
	struct history *h = *state;

	add_passes(h, MANY);
	assert_int_equal(h->view.n_passes, MANY);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(h->view.passes[i].number, i + 1);
	assert_int_equal(history_last_pass(h)->number, MANY);
}

TEST(all_samples_are_kept_in_order)
{
	struct history *h = *state;

	for (int i = 0; i < MANY; i++)
		history_add_sample(h, i / 10.0, 1000 - i);
	assert_int_equal(h->view.n_samples, MANY);
	for (int i = 0; i < MANY; i++) {
		assert_true(h->view.samples[i].at_s == i / 10.0);
		assert_int_equal(h->view.samples[i].remaining_bytes, 1000 - i);
	}
	assert_int_equal(h->view.n_passes, 0);
}

TEST(an_added_pass_is_learnt)
{
	struct history *h = *state;

	add_passes(h, 1);
	assert_true(curve_known(h->view.curve));
	assert_true(forecast_link_known(h->view.link));
	assert_float_equal(curve_at(h->view.curve, 1), 50e6, 1e6);
	assert_float_equal(policy_bandwidth_bps(&h->view), 100e6, 5e6);
}

TEST(the_usual_overhead_is_believed_until_passes_show_it)
{
	struct history *slow = XNEW(struct history), *h = *state;

	history_init(slow, &facts, ram, 0.2);
	add_passes(slow, 1);
	add_passes(h, 1);
	assert_true(forecast_link_overhead_s(slow->view.link) >
		    forecast_link_overhead_s(h->view.link) + 0.1);
	history_fini(slow);
	free(slow);
}

TEST(a_kept_pass_is_not_learnt_yet)
{
	struct history *h = *state;
	struct policy_pass p = pass_of(1);

	history_keep_pass(h, &p);
	assert_int_equal(h->view.n_passes, 1);
	assert_false(curve_known(h->view.curve));
	assert_false(forecast_link_known(h->view.link));
}

TEST(passes_learnt_together_teach_what_each_alone_does)
{
	struct history *late = XNEW(struct history), *h = *state;

	history_init(late, NULL, 0, 0);
	for (int i = 1; i <= 5; i++) {
		struct policy_pass p = pass_of(i);

		p.seconds = i;
		history_keep_pass(late, &p);
		history_add_pass(h, &p);
	}
	history_learn(late, ram);
	for (double s = 0.01; s < 100; s *= 3)
		assert_true(curve_at(late->view.curve, s) ==
			    curve_at(h->view.curve, s));
	assert_true(forecast_link_bps(late->view.link) ==
		    forecast_link_bps(h->view.link));
	history_fini(late);
	free(late);
}

/* 50 MB a second that never end: only the size of the guest bounds them. */
TEST(what_is_learnt_is_bounded_by_the_size_of_the_guest)
{
	struct history *h = *state;
	struct policy_pass p = pass_of(1);

	history_keep_pass(h, &p);
	history_learn(h, 60e6);
	assert_true(curve_at(h->view.curve, 1e4) <= 60e6);
}

TEST(dropped_passes_teach_nothing)
{
	struct history *h = *state;
	struct policy_pass p = pass_of(1);

	history_keep_pass(h, &p);
	history_drop_passes(h);
	assert_null(history_last_pass(h));
	history_learn(h, ram);
	assert_false(curve_known(h->view.curve));
}

TEST(nothing_is_left_of_one_that_was_released)
{
	static const struct history nothing;
	struct history *h = *state;

	add_passes(h, 2);
	history_add_sample(h, 1, 1000);
	history_fini(h);
	assert_memory_equal(h, &nothing, sizeof(nothing));
}

TEST(a_policy_is_shown_the_moment_and_the_levers)
{
	struct history *h = *state;
	struct policy_decision d;

	h->view.gate_ms = 7;
	h->view.throttle = 0.3;
	h->view.lifted = true;
	history_ask(h, &noting, 12.5, false, &d);
	assert_true(shown.now_s == 12.5);
	assert_false(shown.pass_ended);
	assert_true(shown.gate_ms == 7);
	assert_true(shown.throttle == 0.3);
	assert_true(shown.lifted);
	assert_ptr_equal(shown.facts, &facts);
	/* a decision that says nothing of the gate leaves it as it is */
	assert_true(d.gate_ms == 7);
}

TEST(the_last_decision_is_that_of_the_last_pass_end)
{
	struct history *h = *state;
	struct policy_decision d;

	history_ask(h, &noting, 1, false, &d);
	assert_null(shown.last);
	add_passes(h, 1);
	history_ask(h, &noting, 2, true, &d);
	assert_null(shown.last);
	assert_true(shown.pass_ended);
	assert_int_equal(d.action, POLICY_GATE);
	for (int i = 0; i < 2; i++) {
		history_ask(h, &noting, 3, false, &d);
		assert_int_equal(shown_last.action, POLICY_GATE);
		assert_string_equal(shown_last.why, "after pass 1");
		assert_int_equal(d.action, POLICY_WAIT);
	}
	add_passes(h, 1);
	history_ask(h, &noting, 4, true, &d);
	assert_string_equal(shown_last.why, "after pass 1");
	history_ask(h, &noting, 5, false, &d);
	assert_string_equal(shown_last.why, "after pass 2");
}
