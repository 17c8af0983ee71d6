/* SPDX-License-Identifier: MIT */
/* period: one claim a test. */
#include "engine/policy/period.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdint.h>

enum { MOST = 128 };

/* Passes of @pass_s each over a guest that is busy and idle in turn. */
static size_t phases(struct period_span *v, double busy_s, double idle_s,
		     double pass_s, double until_s)
{
	size_t n = 0;

	for (double t = 0; t < until_s && n < MOST; t += pass_s) {
		double at = fmod(t + pass_s / 2, busy_s + idle_s);

		v[n++] = (struct period_span){ t, t + pass_s,
					       at < busy_s ? 1.4 : 0 };
	}
	return n;
}

static void finds_the_period_of_a_phased_guest(void **state)
{
	static const double cases[][2] = { { 5, 2 }, { 3, 1 }, { 8, 3 } };
	struct period_span v[MOST];
	struct period p;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		double cycle = cases[i][0] + cases[i][1];

		period_find(v, phases(v, cases[i][0], cases[i][1], 0.4, 30),
			    &p);
		assert_true(fabs(p.seconds - cycle) < 0.1 * cycle);
		assert_true(p.confidence > PERIOD_SURE);
	}
}

static void tells_when_the_next_quiet_phase_begins(void **state)
{
	struct period_span v[MOST];
	struct period p;
	double next;

	(void)state;
	period_find(v, phases(v, 5, 2, 0.25, 28), &p);
	next = period_next_quiet(&p, 28);
	assert_true(fabs(next - 33) < 1.2);
}

static void a_steady_guest_has_none(void **state)
{
	struct period_span v[MOST];
	struct period p;
	uint32_t x = 1;

	(void)state;
	for (size_t i = 0; i < MOST; i++) {
		x = x * 1664525 + 1013904223;
		v[i] = (struct period_span){
			(double)i, (double)i + 1,
			1 + 0.1 * ((double)(x >> 8) / (1 << 24) - 0.5)
		};
	}
	period_find(v, MOST, &p);
	assert_true(p.confidence < PERIOD_SURE);
	assert_true(p.spread < 0.1);
	assert_true(isinf(period_next_quiet(&p, 0)));
}

static void one_cycle_is_no_period(void **state)
{
	struct period_span v[MOST];
	struct period p;

	(void)state;
	period_find(v, phases(v, 5, 2, 0.25, 8), &p);
	assert_true(p.confidence < PERIOD_SURE);
}

static void phases_show_in_the_spread(void **state)
{
	struct period_span v[MOST];
	struct period p;

	(void)state;
	period_find(v, phases(v, 5, 2, 0.25, 14), &p);
	assert_true(p.spread > 0.4);
}

static void nothing_is_told_of_nothing(void **state)
{
	struct period_span v[2] = { { 0, 1, 1 }, { 1, 2, 1 } };
	struct period p;

	(void)state;
	period_find(NULL, 0, &p);
	assert_true(p.seconds == 0);
	period_find(v, 1, &p);
	assert_true(p.seconds == 0);
	period_find(v, 2, &p);
	assert_true(p.seconds == 0 && p.confidence == 0);
	v[0].activity = v[1].activity = 0;
	period_find(v, 2, &p);
	assert_true(p.seconds == 0 && p.spread == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_period_of_a_phased_guest),
		cmocka_unit_test(tells_when_the_next_quiet_phase_begins),
		cmocka_unit_test(a_steady_guest_has_none),
		cmocka_unit_test(one_cycle_is_no_period),
		cmocka_unit_test(phases_show_in_the_spread),
		cmocka_unit_test(nothing_is_told_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
