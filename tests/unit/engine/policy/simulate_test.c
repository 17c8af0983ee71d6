/* SPDX-License-Identifier: MIT */
/* simulate: QEMU's loop as it is known to be; one claim a test. */
#include "engine/policy/simulate.h"

#include <math.h>
#include <string.h>

#include "engine/policy/policy_list.h"
#include "tests/unit/synthetic_guest.h"
#include "tests/unit/test.h"

static const struct simulate_link link = { .bandwidth_bps = 100e6,
					   .final_bps = 100e6,
					   .overhead_s = 0.002,
					   .fixed_ms = 10 };
static const struct policy_facts facts = { .budget_ms = 300,
					   .ram_bytes = 1e9,
					   .fixed_ms = 20 };

static struct simulate_outcome run(const struct policy *p,
				   const struct synthetic_guest *g)
{
	struct simulate_guest guest = synthetic_guest(g, facts.ram_bytes);
	struct simulate_outcome o;

	simulate_run(p, &facts, &guest, &link, 60, &o);
	return o;
}

/* A gate that is set once. */
static double gate_of_test;

static double first_gate(const struct policy_facts *f)
{
	(void)f;
	return gate_of_test;
}

static void only_wait(const struct policy_view *v, struct policy_decision *d)
{
	policy_wait(v, d, "Nothing.");
}

static const struct policy still = { .name = "still",
				     .first_gate_ms = first_gate,
				     .decide = only_wait };

TEST(an_idle_guest_switches_after_the_first_pass)
{
	struct synthetic_guest g = { .working_set_bytes = 1e6 };
	struct simulate_outcome o;

	gate_of_test = 1;
	o = run(&still, &g);
	assert_true(o.switched);
	assert_int_equal(o.passes, 0);
	assert_true(fabs(o.seconds - 10) < 0.2);
	assert_true(o.blackout_ms < 12);
}

TEST(a_narrow_gate_holds_a_busy_guest)
{
	struct synthetic_guest g = { .rate_bps = 300e6,
				     .working_set_bytes = 64e6 };

	gate_of_test = 1;
	assert_false(run(&still, &g).switched);
}

TEST(a_wide_gate_is_used_up)
{
	struct synthetic_guest g = { .rate_bps = 50e6,
				     .working_set_bytes = 500e6 };
	struct simulate_outcome o;

	gate_of_test = 300;
	o = run(&still, &g);
	assert_true(o.switched);
	assert_true(o.blackout_ms > 230 && o.blackout_ms <= 310);
}

TEST(the_blackout_is_never_more_than_gate_and_fixed_cost)
{
	for (double rate = 10e6; rate < 1e9; rate *= 1.7) {
		struct synthetic_guest g = { .rate_bps = rate,
					     .working_set_bytes = 20e6,
					     .pattern = SYNTHETIC_UNIFORM };
		struct simulate_outcome o;

		gate_of_test = rate / 5e6;
		o = run(&still, &g);
		if (o.switched)
			assert_true(o.blackout_ms <= gate_of_test + 10);
	}
}

TEST(a_quiet_phase_is_caught_by_a_narrow_gate)
{
	struct synthetic_guest g = { .rate_bps = 300e6,
				     .working_set_bytes = 50e6,
				     .busy_s = 5,
				     .idle_s = 2 };
	struct simulate_outcome o;

	gate_of_test = 1;
	o = run(&still, &g);
	assert_true(o.switched);
	assert_true(o.blackout_ms < 12);
}

static void half_throttle(const struct policy_view *v,
			  struct policy_decision *d)
{
	policy_throttle(v, d, 0.5, "Half.");
}

TEST(a_throttle_slows_the_guest_and_is_charged)
{
	static const struct policy half = { .name = "half",
					    .first_gate_ms = first_gate,
					    .decide = half_throttle };
	struct synthetic_guest g = { .rate_bps = 150e6,
				     .working_set_bytes = 200e6 };
	struct simulate_outcome o;

	gate_of_test = 20;
	assert_false(run(&still, &g).switched);
	o = run(&half, &g);
	assert_true(o.switched);
	assert_true(fabs(o.guest_seconds_lost - o.seconds / 2) < 0.3);
}

/* 20 MB a pass, of 100 MB/s: 200 ms. */
static void open_at_the_end(const struct policy_view *v,
			    struct policy_decision *d)
{
	if (v->pass_ended)
		policy_gate(v, d, 400, "Open.");
	else
		policy_wait(v, d, "Wait.");
}

TEST(a_gate_that_is_opened_lets_it_through)
{
	static const struct policy opening = { .name = "opening",
					       .first_gate_ms = first_gate,
					       .decide = open_at_the_end };
	struct synthetic_guest g = { .rate_bps = 300e6,
				     .working_set_bytes = 20e6 };
	struct simulate_outcome o;

	gate_of_test = 1;
	o = run(&still, &g);
	assert_false(o.switched);
	assert_true(o.seconds > 0);
	o = run(&opening, &g);
	assert_true(o.switched);
	assert_int_equal(o.passes, 1);
	assert_string_equal(o.why, "What was left fitted through a gate of 400 "
				   "ms after pass 2.");
}

TEST(a_switch_under_a_throttle_says_so)
{
	static const struct policy half = { .name = "half",
					    .first_gate_ms = first_gate,
					    .decide = half_throttle };
	struct synthetic_guest g = { .rate_bps = 1e6,
				     .working_set_bytes = 1e6 };

	gate_of_test = 100;
	assert_non_null(strstr(run(&half, &g).why,
			       "after pass 1, the guest throttled by 50 %."));
	assert_null(strstr(run(&still, &g).why, "throttled"));
}

static void give_up_at_once(const struct policy_view *v,
			    struct policy_decision *d)
{
	policy_give_up(v, d, "No.");
}

TEST(giving_up_ends_it_with_the_policys_word)
{
	static const struct policy no = { .name = "no",
					  .first_gate_ms = first_gate,
					  .decide = give_up_at_once };
	struct synthetic_guest g = { .rate_bps = 1e6,
				     .working_set_bytes = 1e6 };
	struct simulate_outcome o;

	gate_of_test = 1;
	o = run(&no, &g);
	assert_false(o.switched);
	assert_true(isnan(o.blackout_ms));
	assert_string_equal(o.why, "No.");
}

TEST(zero_pages_of_the_first_pass_cost_nothing)
{
	struct synthetic_guest g = { .working_set_bytes = 1e6 };
	struct simulate_guest guest = synthetic_guest(&g, 1e9);
	struct simulate_outcome o;

	gate_of_test = 1;
	guest.first_bytes = 200e6;
	simulate_run(&still, &facts, &guest, &link, 60, &o);
	assert_true(o.switched);
	assert_true(fabs(o.seconds - 2) < 0.2);
	assert_true(o.bytes < 202e6);
}

TEST(the_same_simulation_gives_the_same_outcome)
{
	struct synthetic_guest g = { .rate_bps = 120e6,
				     .working_set_bytes = 90e6,
				     .busy_s = 3,
				     .idle_s = 1,
				     .noise = 0.1 };

	for (size_t i = 0; policy_list[i]; i++) {
		struct simulate_outcome a = run(policy_list[i], &g);
		struct simulate_outcome b = run(policy_list[i], &g);

		assert_true(a.switched == b.switched);
		assert_true(a.seconds == b.seconds && a.bytes == b.bytes);
		assert_string_equal(a.why, b.why);
	}
}

TEST(a_link_scatters_by_its_seed_alone)
{
	struct synthetic_guest g = { .working_set_bytes = 1e6 };
	struct simulate_guest guest = synthetic_guest(&g, facts.ram_bytes);
	struct simulate_link rough = link;
	struct simulate_outcome o[3];

	gate_of_test = 1;
	rough.scatter = 0.2;
	for (unsigned i = 0; i < 3; i++) {
		rough.seed = i / 2;
		simulate_run(&still, &facts, &guest, &rough, 60, &o[i]);
		assert_true(o[i].switched);
	}
	assert_true(o[0].seconds == o[1].seconds);
	assert_true(o[0].seconds != o[2].seconds);
	assert_true(o[0].seconds > 5 && o[0].seconds < 20);
}
