/* SPDX-License-Identifier: MIT */
/*
 * policy_auto: one claim a test, each seen in a simulated migration. How it
 * does beside the others is in league_test.c.
 */
#include "engine/policy/policy_auto.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/policy/history.h"
#include "tests/unit/synthetic_guest.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static const struct simulate_link link = { .bandwidth_bps = 100e6,
					   .final_bps = 100e6,
					   .overhead_s = 0.005,
					   .fixed_ms = 15 };

static struct policy_facts wants(double budget_ms, double deadline_s)
{
	return (struct policy_facts){ .budget_ms = budget_ms,
				      .deadline_s = deadline_s,
				      .ram_bytes = 1e9,
				      .fixed_ms = 20,
				      .throttle_max = POLICY_THROTTLE_MAX };
}

/* What was decided on the way. */
static struct {
	double widest_ms, most_throttle, throttle_at_end;
	double now_s, first_throttle_s, first_throttle;
	double least_raise; /* of a throttle, over what it left the guest */
	size_t decisions, empty, unended, widened;
} seen;

static void watching(const struct policy_view *v, struct policy_decision *d)
{
	size_t n;

	policy_auto.decide(v, d);
	n = strlen(d->why);
	seen.decisions++;
	seen.empty += n == 0;
	/* cut off at the end, or no sentence */
	seen.unended += n && d->why[n - 1] != '.';
	seen.widened += strstr(d->why, "Opening the gate") != NULL;
	if (!d->lifted && d->gate_ms > seen.widest_ms)
		seen.widest_ms = d->gate_ms;
	if (d->throttle > seen.most_throttle)
		seen.most_throttle = d->throttle;
	if (d->throttle > 0 && isnan(seen.first_throttle_s)) {
		seen.first_throttle_s = v->now_s;
		seen.first_throttle = d->throttle;
	}
	if (v->throttle > 0 && d->throttle > v->throttle)
		seen.least_raise =
			fmin(seen.least_raise,
			     (d->throttle - v->throttle) / (1 - v->throttle));
	seen.throttle_at_end = d->throttle;
	seen.now_s = v->now_s;
}

static struct simulate_outcome run_over(const struct simulate_link *l,
					const struct synthetic_guest *g,
					const struct policy_facts *f)
{
	struct policy watched = policy_auto;
	struct simulate_guest guest = synthetic_guest(g, f->ram_bytes);
	struct simulate_outcome o;

	memset(&seen, 0, sizeof(seen));
	seen.first_throttle_s = NAN;
	seen.least_raise = INFINITY;
	watched.decide = watching;
	simulate_run(&watched, f, &guest, l, 300, &o);
	return o;
}

static struct simulate_outcome run(const struct synthetic_guest *g,
				   const struct policy_facts *f)
{
	return run_over(&link, g, f);
}

static const struct synthetic_guest converging = { .rate_bps = 50e6,
						   .working_set_bytes = 300e6,
						   .noise = 0.03 };
static const struct synthetic_guest small_set = { .rate_bps = 300e6,
						  .working_set_bytes = 15e6 };
static const struct synthetic_guest hopeless = { .rate_bps = 400e6,
						 .working_set_bytes = 256e6,
						 .noise = 0.03 };
static const struct synthetic_guest phased = { .rate_bps = 300e6,
					       .working_set_bytes = 60e6,
					       .busy_s = 5,
					       .idle_s = 2,
					       .phase_s = 1 };

TEST(holds_the_gate_while_passes_shrink)
{
	struct policy_facts f = wants(300, 0);
	struct simulate_outcome o = run(&converging, &f);

	assert_true(o.switched);
	assert_true(o.blackout_ms < 60);
}

TEST(opens_at_a_fixed_point_that_fits)
{
	struct policy_facts f = wants(300, 0);
	struct simulate_outcome o = run(&small_set, &f);

	assert_true(o.switched);
	assert_true(o.blackout_ms > 100 && o.blackout_ms < 220);
	assert_true(o.seconds < 13);
}

TEST(opens_no_wider_than_is_needed)
{
	struct policy_facts f = wants(1000, 0);

	assert_true(run(&small_set, &f).switched);
	assert_true(seen.widest_ms < 250);
}

TEST(never_opens_beyond_the_budget_less_the_fixed_cost)
{
	for (double budget = 5; budget < 3000; budget *= 1.9) {
		struct policy_facts f = wants(budget, 60);

		(void)run(&small_set, &f);
		assert_true(seen.widest_ms <= fmax(budget - 20, 1));
		(void)run(&hopeless, &f);
		assert_true(seen.widest_ms <= fmax(budget - 20, 1));
	}
}

TEST(a_budget_of_the_held_gate_alone_leaves_none_to_open)
{
	struct policy_facts f = wants(20 + POLICY_HOLD_MS, 0);

	(void)run(&hopeless, &f);
	assert_int_equal(seen.widened, 0);
	f.budget_ms = 300;
	(void)run(&hopeless, &f);
	assert_true(seen.widened > 0);
}

TEST(waits_for_the_quiet_phase)
{
	struct policy_facts f = wants(300, 60);
	struct simulate_outcome o = run(&phased, &f);

	assert_true(o.switched);
	assert_true(o.blackout_ms < 30);
}

TEST(throttles_only_where_it_may)
{
	struct policy_facts f = wants(300, 90);

	assert_false(run(&hopeless, &f).switched);
	assert_true(seen.most_throttle == 0);
	f.may_throttle = true;
	assert_true(run(&hopeless, &f).switched);
	assert_true(seen.most_throttle > 0);
}

TEST(does_not_throttle_a_guest_that_converges)
{
	struct policy_facts f = wants(300, 90);

	f.may_throttle = true;
	assert_true(run(&converging, &f).switched);
	assert_true(seen.most_throttle == 0);
}

TEST(a_throttle_begins_with_sleeps_that_fit_the_budget)
{
	for (double budget = 40; budget < 1000; budget *= 2) {
		struct policy_facts f = wants(budget, 90);
		double x;

		f.may_throttle = true;
		(void)run(&hopeless, &f);
		x = seen.first_throttle;
		assert_true(x / (1 - x) * 10 <= budget + 1e-6);
	}
}

TEST(a_throttle_of_which_nothing_is_foreseen_leaves_a_fifth_of_the_time)
{
	/* each pass shows the whole of its working set, and never a rate */
	static const struct synthetic_guest g = { .rate_bps = 2e9,
						  .working_set_bytes = 100e6 };
	struct policy_facts f = wants(400, 0);

	f.may_throttle = true;
	(void)run(&g, &f);
	assert_true(fabs(seen.first_throttle - 0.8) < 1e-9);
}

TEST(a_throttle_that_was_too_weak_takes_a_fifth_of_the_rest_at_least)
{
	static const struct simulate_link slow_syncs = { .bandwidth_bps = 100e6,
							 .final_bps = 100e6,
							 .overhead_s = 0.085,
							 .fixed_ms = 15 };
	static const struct synthetic_guest g = { .rate_bps = 350e6,
						  .working_set_bytes = 505e6,
						  .noise = 0.01 };
	struct policy_facts f = wants(94, 0);

	f.may_throttle = true;
	assert_true(run_over(&slow_syncs, &g, &f).switched);
	/* it is a quarter, in whole percents */
	assert_true(seen.least_raise > 0.2 && seen.least_raise < 1);
}

TEST(pulls_no_lever_before_passes_are_seen_to_be_stuck)
{
	struct policy_facts f = wants(300, 90);

	f.may_throttle = true;
	(void)run(&hopeless, &f);
	/* the first pass takes 10 s, and each later one 2.5 s */
	assert_true(seen.first_throttle_s > 14);
}

/* What it decides after @n passes of @seconds that leave all of it dirty. */
static enum policy_action after_stuck_passes(size_t n, double seconds)
{
	struct policy_facts f = wants(30, 0);
	struct history *h = XNEW(struct history);
	struct policy_decision d;

	f.may_throttle = true;
	history_init(h, &f, f.ram_bytes, 0);
	h->view.gate_ms = POLICY_HOLD_MS;
	for (size_t i = 1; i <= n; i++) {
		struct policy_pass p = {
			.number = (int64_t)i,
			.at_s = (double)i * seconds,
			.seconds = seconds,
			.sent_bytes = (int64_t)(100e6 * seconds),
			.copied_bytes = (int64_t)(100e6 * seconds),
			.dirty_bytes = (int64_t)(100e6 * seconds),
			.bandwidth_bps = 100e6,
			.gate_ms = POLICY_HOLD_MS,
		};

		history_add_pass(h, &p);
	}
	history_ask(h, &policy_auto, (double)n * seconds, true, &d);
	history_fini(h);
	free(h);
	return d.action;
}

TEST(throttles_after_two_stuck_passes_and_three_seconds)
{
	assert_int_not_equal(after_stuck_passes(2, 3.5), POLICY_THROTTLE);
	assert_int_equal(after_stuck_passes(3, 1.6), POLICY_THROTTLE);
	assert_int_not_equal(after_stuck_passes(3, 1.4), POLICY_THROTTLE);
	assert_int_equal(after_stuck_passes(4, 1.4), POLICY_THROTTLE);
}

TEST(gives_up_on_the_hopeless_in_time)
{
	struct policy_facts f = wants(300, 0);
	struct simulate_outcome o = run(&hopeless, &f);

	assert_false(o.switched);
	/* 10 s of a first pass; held; then five passes with the wide gate */
	assert_true(o.seconds < 10 + 12 + 15);
}

TEST(says_what_it_would_take)
{
	struct policy_facts f = wants(300, 0);
	struct simulate_outcome o = run(&hopeless, &f);

	assert_non_null(strstr(o.why, "it would take"));
	assert_non_null(strstr(o.why, "a budget of"));
}

static double named_budget(const char *why)
{
	const char *at = strstr(why, "a budget of ");

	return at ? strtod(at + strlen("a budget of "), NULL) : NAN;
}

/* A working set that is rewritten in each pass, over such a link. */
static struct simulate_outcome run_scattered(double scatter, unsigned seed,
					     double budget_ms)
{
	static const struct synthetic_guest set = { .rate_bps = 80e6,
						    .working_set_bytes = 17e6,
						    .noise = 0.02 };
	const struct simulate_link l = { .bandwidth_bps = 40e6,
					 .final_bps = 40e6,
					 .overhead_s = 0.02,
					 .fixed_ms = 30,
					 .scatter = scatter,
					 .seed = seed };
	struct policy_facts f = wants(budget_ms, 0);
	struct simulate_guest guest = synthetic_guest(&set, 128e6);
	struct simulate_outcome o;

	simulate_run(&policy_auto, &f, &guest, &l, 300, &o);
	return o;
}

TEST(the_budget_that_it_names_does_on_another_day)
{
	for (unsigned i = 0; i < 200; i++) {
		double scatter = 0.001 * (i % 200);
		struct simulate_outcome no = run_scattered(scatter, i, 100),
					yes;
		double budget = named_budget(no.why);

		assert_false(no.switched);
		yes = run_scattered(scatter, 1000 + i, budget);
		assert_true(yes.switched);
		assert_true(yes.blackout_ms <= budget);
	}
}

TEST(the_more_the_link_scatters_the_more_it_names)
{
	double steady = named_budget(run_scattered(0, 1, 100).why);
	double rough = named_budget(run_scattered(0.15, 1, 100).why);

	/* 17 MB at 40 MB/s take 425 ms */
	assert_true(steady > 425 + 20 && steady < 1.3 * (425 + 20));
	assert_true(rough > 1.2 * steady && rough < 2.5 * steady);
}

TEST(a_missed_deadline_names_a_budget_that_would_have_done)
{
	struct policy_facts f = wants(300, 14);
	struct simulate_outcome o = run(&hopeless, &f);
	double budget = named_budget(o.why);

	assert_non_null(strstr(o.why, "The deadline has come"));
	f.budget_ms = budget;
	o = run(&hopeless, &f);
	assert_true(o.switched);
	assert_true(o.seconds <= 14 + budget / 1e3);
	assert_true(o.blackout_ms <= budget);
}

TEST(waits_for_a_deadline_that_forces)
{
	struct policy_facts f = wants(300, 60);
	struct simulate_outcome o;

	f.force = true;
	o = run(&hopeless, &f);
	assert_true(o.switched);
	assert_true(o.seconds > 60 && o.seconds < 64);
	assert_true(o.blackout_ms > 1000);
}

TEST(keeps_the_deadline)
{
	struct policy_facts f = wants(300, 14);
	struct simulate_outcome o = run(&hopeless, &f);

	assert_false(o.switched);
	assert_true(o.seconds <= 14.2);
}

TEST(says_why_at_any_time_in_a_sentence)
{
	const struct synthetic_guest *const all[] = { &converging, &small_set,
						      &hopeless, &phased };
	struct policy_facts f = wants(300, 60);

	f.may_throttle = true;
	for (size_t i = 0; i < 4; i++) {
		(void)run(all[i], &f);
		assert_true(seen.decisions > 0);
		assert_int_equal(seen.empty, 0);
		assert_int_equal(seen.unended, 0);
	}
}

TEST(decides_the_same_on_the_same_view)
{
	struct policy_pass passes[] = {
		{ .number = 1,
		  .at_s = 10,
		  .seconds = 10,
		  .sent_bytes = 1000000000,
		  .copied_bytes = 1000000000,
		  .dirty_bytes = 15000000 },
		{ .number = 2,
		  .at_s = 10.15,
		  .seconds = 0.15,
		  .sent_bytes = 15000000,
		  .copied_bytes = 15000000,
		  .dirty_bytes = 15000000 },
	};
	struct policy_facts f = wants(300, 0);
	struct forecast_link l = { 0 };
	struct curve *c = calloc(1, sizeof(*c));
	struct policy_view v = { .facts = &f,
				 .passes = passes,
				 .n_passes = 2,
				 .now_s = 10.15,
				 .pass_ended = true,
				 .gate_ms = 1,
				 .curve = c,
				 .link = &l };
	struct policy_decision a, b, other;

	curve_init(c, 1e9);
	policy_learn(c, &l, &passes[0]);
	policy_learn(c, &l, &passes[1]);
	policy_auto.decide(&v, &a);
	v.now_s = 5000;
	policy_auto.decide(&v, &other);
	v.now_s = 10.15;
	policy_auto.decide(&v, &b);
	assert_int_equal(a.action, b.action);
	assert_true(a.gate_ms == b.gate_ms);
	assert_string_equal(a.why, b.why);
	free(c);
}

/* Whatever it is shown, its decision is one that QEMU takes. */
TEST(nonsense_leads_to_no_nonsense)
{
	static const double odd[] = { 0, 1e-9, 1, 1e6, 1e12, 1e18 };
	struct curve *c = calloc(1, sizeof(*c));

	for (size_t i = 0; i < 6 * 6 * 6; i++) {
		struct policy_pass p[3];
		struct policy_facts f = wants(odd[i % 6], odd[i / 6 % 6]);
		struct forecast_link l = { 0 };
		struct policy_view v = { .facts = &f,
					 .passes = p,
					 .pass_ended = true,
					 .gate_ms = 1,
					 .curve = c,
					 .link = &l };
		struct policy_decision d;

		f.may_throttle = true;
		memset(c, 0, sizeof(*c));
		curve_init(c, 1e9);
		for (int64_t k = 0; k < 3; k++) {
			p[k] = (struct policy_pass){
				.number = k + 1,
				.at_s = (double)k + 1,
				.seconds = odd[i / 36 % 6] > 1e6
						   ? 1e-9
						   : odd[i / 36 % 6],
				.sent_bytes = (int64_t)odd[i / 6 % 6],
				.copied_bytes = (int64_t)odd[i / 6 % 6],
				.dirty_bytes = (int64_t)odd[(i + 3) % 6],
			};
			v.n_passes++;
			v.now_s = (double)k + 1;
			policy_learn(c, &l, &p[k]);
			policy_auto.decide(&v, &d);
			assert_true(d.gate_ms >= 0 &&
				    d.gate_ms <= POLICY_WIDE_MS);
			assert_true(d.throttle >= 0 &&
				    d.throttle <= POLICY_THROTTLE_MAX);
			assert_true(d.why[0]);
		}
	}
	free(c);
}
