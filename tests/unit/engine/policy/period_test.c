/* SPDX-License-Identifier: MIT */
/* period: one claim a test. */
#include "engine/policy/period.h"

#include <math.h>
#include <stdint.h>

#include "tests/unit/test.h"

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

TEST(finds_the_period_of_a_phased_guest)
{
	static const double cases[][2] = { { 5, 2 }, { 3, 1 }, { 8, 3 } };
	struct period_span v[MOST];
	struct period p;

	for (size_t i = 0; i < 3; i++) {
		double cycle = cases[i][0] + cases[i][1];

		period_find(v, phases(v, cases[i][0], cases[i][1], 0.4, 30),
			    &p);
		assert_true(fabs(p.seconds - cycle) < 0.1 * cycle);
		assert_true(p.confidence > PERIOD_SURE);
	}
}

/* One step of the grid is 0.11 s here; the slopes are near the highest, too. */
TEST(the_period_is_at_the_peak_and_not_on_its_slope)
{
	struct period_span v[MOST];
	struct period p;

	period_find(v, phases(v, 5, 2, 0.25, 28), &p);
	assert_true(fabs(p.seconds - 7) <= 28.0 / PERIOD_GRID);
}

TEST(a_steady_guest_has_none)
{
	struct period_span v[MOST];
	struct period p;
	uint32_t x = 1;

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
}

TEST(one_cycle_is_no_period)
{
	struct period_span v[MOST];
	struct period p;

	period_find(v, phases(v, 5, 2, 0.25, 8), &p);
	assert_true(p.confidence < PERIOD_SURE);
}

TEST(a_guest_that_grows_ever_busier_has_none)
{
	struct period_span v[MOST];
	struct period p;

	for (size_t i = 0; i < MOST; i++)
		v[i] = (struct period_span){ (double)i, (double)i + 1,
					     (double)i / MOST };
	period_find(v, MOST, &p);
	assert_true(p.seconds == 0 && p.confidence == 0);
}

TEST(phases_show_in_the_spread)
{
	struct period_span v[MOST];
	struct period p;

	period_find(v, phases(v, 5, 2, 0.25, 14), &p);
	assert_true(p.spread > 0.4);
}

TEST(nothing_is_said_of_nothing)
{
	struct period_span v[2] = { { 0, 1, 1 }, { 1, 2, 1 } };
	struct period p;

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
