/* SPDX-License-Identifier: MIT */
/* policy: one claim a test. */
#include "engine/policy.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "transport/base/xalloc.h"

static const double bw = 100e6; /* bytes/s */

static struct policy_decision pass(struct policy *p, double megabytes)
{
	struct policy_pass in = {
		.number = p->passes + 1,
		.seconds = megabytes * 1e6 / bw,
		.sent_bytes = (int64_t)(megabytes * 1e6),
		.dirty_bytes = (int64_t)(megabytes * 1e6),
		.bandwidth_bps = bw,
	};
	struct policy_decision d;

	policy_pass(p, &in, &d);
	return d;
}

static void prediction_is_copy_time_plus_fixed_cost(void **state)
{
	struct policy p;

	(void)state;
	policy_init(&p, 300, 0, false);
	pass(&p, 50);
	assert_float_equal(policy_predict_ms(&p, 10000000),
			   100 + POLICY_FIXED_MS, 1e-6);
}

static void prediction_is_unknown_without_a_bandwidth(void **state)
{
	struct policy p;

	(void)state;
	policy_init(&p, 300, 0, false);
	assert_true(isnan(policy_predict_ms(&p, 1000)));
}

static void waits_while_passes_gain(void **state)
{
	struct policy p;

	(void)state;
	policy_init(&p, 300, 0, false);
	for (double mb = 500; mb > 1; mb /= 2)
		assert_int_equal(pass(&p, mb).action, POLICY_WAIT);
}

static void opens_at_a_fixed_point_that_fits(void **state)
{
	struct policy_decision d = { .action = POLICY_WAIT };
	struct policy p;

	(void)state;
	policy_init(&p, 300, 0, false);
	for (int i = 0; i <= POLICY_STUCK_PASSES; i++)
		d = pass(&p, 10);
	assert_int_equal(d.action, POLICY_OPEN);
	assert_true(d.gate_ms >= 100);
	assert_true(d.gate_ms <= 300 - POLICY_FIXED_MS);
}

static void never_opens_beyond_the_budget(void **state)
{
	(void)state;
	for (double budget = 1; budget < 2000; budget *= 1.7) {
		struct policy p;
		double limit = fmax(budget - POLICY_FIXED_MS, POLICY_HOLD_MS);

		policy_init(&p, budget, 0, false);
		for (int i = 0; i < 100; i++) {
			struct policy_decision d = pass(&p, 0.1 * (i % 70));

			assert_true(d.gate_ms <= limit);
			assert_true(p.gate_ms <= limit);
		}
	}
}

static void opens_in_steps_not_at_once(void **state)
{
	struct policy p;
	double first, second;

	(void)state;
	policy_init(&p, 1000, 0, false);
	for (int i = 0; i < POLICY_STUCK_PASSES; i++)
		pass(&p, 10);
	first = pass(&p, 10).gate_ms;
	second = pass(&p, 10).gate_ms;
	assert_true(first < 200);
	assert_true(second > first && second < 2 * first);
}

static void gives_up_at_a_fixed_point_that_does_not_fit(void **state)
{
	struct policy_decision d = { .action = POLICY_WAIT };
	struct policy p;
	int n = 0;

	(void)state;
	policy_init(&p, 50, 0, false);
	while (d.action == POLICY_WAIT && n++ < 100)
		d = pass(&p, 100);
	assert_int_equal(d.action, POLICY_GIVE_UP);
	assert_int_equal(n, POLICY_GIVE_UP_PASSES + 1);
}

static void names_the_budget_and_the_link_that_would_do(void **state)
{
	struct policy_decision d = { .action = POLICY_WAIT };
	struct policy p;

	(void)state;
	policy_init(&p, 50, 0, false);
	while (d.action == POLICY_WAIT)
		d = pass(&p, 100);
	/* 100 MB over 100 MB/s is 1 s; in 30 ms it takes 3334 MB/s */
	assert_non_null(strstr(d.why, "--max-blackout 1275"));
	assert_non_null(strstr(d.why, "3334 MB/s"));
}

static void with_a_deadline_it_waits_until_then(void **state)
{
	struct policy_decision d;
	struct policy p;

	(void)state;
	policy_init(&p, 50, 60, false);
	for (int i = 0; i < 50; i++)
		assert_int_equal(pass(&p, 100).action, POLICY_WAIT);
	policy_tick(&p, 59.9, &d);
	assert_int_equal(d.action, POLICY_WAIT);
	policy_tick(&p, 60, &d);
	assert_int_equal(d.action, POLICY_GIVE_UP);
}

static void force_lifts_the_budget_at_the_deadline_and_says_so(void **state)
{
	struct policy_decision d;
	struct policy p;

	(void)state;
	policy_init(&p, 50, 60, true);
	pass(&p, 100);
	policy_tick(&p, 60, &d);
	assert_int_equal(d.action, POLICY_OPEN);
	assert_true(d.lifted);
	assert_true(d.gate_ms > 50);
}

static void a_quiet_moment_restarts_the_search_for_the_fixed_point(void **state)
{
	struct policy p;

	(void)state;
	policy_init(&p, 300, 0, false);
	for (int i = 0; i < POLICY_STUCK_PASSES; i++)
		pass(&p, 100);
	pass(&p, 5);
	assert_int_equal(p.stuck, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prediction_is_copy_time_plus_fixed_cost),
		cmocka_unit_test(prediction_is_unknown_without_a_bandwidth),
		cmocka_unit_test(waits_while_passes_gain),
		cmocka_unit_test(opens_at_a_fixed_point_that_fits),
		cmocka_unit_test(never_opens_beyond_the_budget),
		cmocka_unit_test(opens_in_steps_not_at_once),
		cmocka_unit_test(gives_up_at_a_fixed_point_that_does_not_fit),
		cmocka_unit_test(names_the_budget_and_the_link_that_would_do),
		cmocka_unit_test(with_a_deadline_it_waits_until_then),
		cmocka_unit_test(
			force_lifts_the_budget_at_the_deadline_and_says_so),
		cmocka_unit_test(
			a_quiet_moment_restarts_the_search_for_the_fixed_point),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
