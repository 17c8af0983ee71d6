/* SPDX-License-Identifier: MIT */
/* curve: one claim a test. */
#include "engine/policy/curve.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "tests/unit/test.h"

static const double ram = 16e9;
static const double link = 100e6; /* bytes/s */

static struct curve curve;

static int fresh(void **state)
{
	(void)state;
	curve_init(&curve, ram);
	return 0;
}

TEST_FIXTURE(fresh, NULL);

/* A guest that goes around a working set, at some bytes/s. */
static double around(double rate, double set, double seconds)
{
	return fmin(rate * seconds, set);
}

static double at_random(double rate, double set, double seconds)
{
	return -set * expm1(-rate * seconds / set);
}

/* Nine in ten writes go to the first tenth. */
static double hot_and_cold(double rate, double set, double seconds)
{
	return at_random(0.9 * rate, 0.1 * set, seconds) +
	       at_random(0.1 * rate, 0.9 * set, seconds);
}

/* The first passes of a migration; returns how long the next one takes. */
static double passes(double (*guest)(double, double, double), double rate,
		     double set, int n)
{
	double seconds = ram / link;

	for (int i = 0; i < n; i++) {
		double bytes = guest(rate, set, seconds);

		curve_add(&curve, seconds, bytes);
		seconds = bytes / link;
	}
	return seconds;
}

static void assert_near(double found, double wanted, double part)
{
	if (!(fabs(found - wanted) <= part * fabs(wanted)))
		fail_msg("%g, not within %g of %g", found, part, wanted);
}

TEST(knows_nothing_before_the_first_point)
{
	struct curve_draw d;

	assert_false(curve_known(&curve));
	assert_int_equal(curve_draws(&curve, &d, 1), 0);
	curve_add(&curve, 1, 1e6);
	assert_true(curve_known(&curve));
}

TEST(goes_through_its_points)
{
	passes(at_random, 60e6, 1e9, 3);
	for (size_t i = 0; i < curve.points; i++)
		assert_near(curve_at(&curve, exp(curve.point[i].ln_s)),
			    exp(curve.point[i].ln_bytes), 0.02);
}

TEST(extrapolates_a_linear_guest_down_linearly)
{
	double t;

	t = passes(around, 60e6, 1e9, 4);
	for (int i = 0; i < 5; i++, t /= 3)
		assert_near(curve_at(&curve, t), 60e6 * t, 0.2);
}

TEST(extrapolates_a_random_guest_down)
{
	double t;

	t = passes(at_random, 60e6, 1e9, 4);
	for (int i = 0; i < 5; i++, t /= 3)
		assert_near(curve_at(&curve, t), at_random(60e6, 1e9, t), 0.2);
}

TEST(extrapolates_hot_and_cold_pages_down)
{
	double t;

	t = passes(hot_and_cold, 60e6, 1e9, 4);
	for (int i = 0; i < 5; i++, t /= 3)
		assert_near(curve_at(&curve, t), hot_and_cold(60e6, 1e9, t),
			    0.25);
}

TEST(finds_the_working_set_of_a_guest_that_saturates)
{
	passes(around, 300e6, 2e9, 3);
	assert_near(curve_working_set(&curve), 2e9, 0.03);
	assert_near(curve_at(&curve, 1e5), 2e9, 0.03);
}

TEST(a_long_pass_says_nothing_of_short_ones)
{
	curve_add(&curve, 160, 1e9);
	assert_true(curve_sigma(&curve, 160) < 0.1);
	assert_true(curve_sigma(&curve, 0.1) > 1);
}

TEST(the_same_point_again_says_nothing_of_others)
{
	double once;

	curve_add(&curve, 160, 1e9);
	once = curve_sigma(&curve, 0.1);
	for (int i = 0; i < 100; i++)
		curve_add(&curve, 160, 1e9);
	assert_true(curve_sigma(&curve, 0.1) > 0.95 * once);
}

TEST(many_short_passes_do_not_outvote_the_long_one)
{
	curve_add(&curve, 160, 2e9);
	for (int i = 0; i < 30; i++)
		curve_add(&curve, 0.1, 5e6);
	assert_near(curve_at(&curve, 160), 2e9, 0.1);
}

TEST(noise_is_reported_as_uncertainty)
{
	double calm;

	for (int i = 0; i < 10; i++)
		curve_add(&curve, 10, 1e9);
	calm = curve_sigma(&curve, 10);
	for (int i = 0; i < 10; i++)
		curve_add(&curve, 10, i % 2 ? 1.3e9 : 0.8e9);
	assert_true(curve_sigma(&curve, 10) > 3 * calm);
	assert_true(curve_sigma(&curve, 10) > 0.15);
}

TEST(follows_a_guest_that_changes)
{
	for (int i = 0; i < 10; i++)
		curve_add(&curve, 2, 100e6);
	for (int i = 0; i < 6; i++)
		curve_add(&curve, 2, 400e6);
	assert_near(curve_at(&curve, 2), 400e6, 0.15);
}

TEST(no_curve_goes_beyond_ram)
{
	struct curve_draw d[200];

	curve_add(&curve, 1, 0.7 * ram);
	assert_true(curve_working_set(&curve) <= ram * (1 + 1e-9));
	assert_int_equal(curve_draws(&curve, d, 200), 200);
	for (size_t i = 0; i < 200; i++)
		assert_true(curve_draw_at(&d[i], 1e9) <= ram * (1 + 1e-9));
}

TEST(every_draw_rises_and_bends_down_only)
{
	struct curve_draw d[64];

	passes(hot_and_cold, 90e6, 3e9, 2);
	curve_draws(&curve, d, 64);
	for (size_t i = 0; i < 64; i++)
		for (double t = 1e-3; t < 1e4; t *= 1.5) {
			double half = curve_draw_at(&d[i], t / 2);
			double all = curve_draw_at(&d[i], t);

			assert_true(all >= half * (1 - 1e-12));
			assert_true(all <= 2 * half * (1 + 1e-12));
		}
}

TEST(a_draw_begins_with_its_rate_and_ends_in_its_set)
{
	struct curve_draw d[64];

	passes(at_random, 60e6, 1e9, 2);
	curve_draws(&curve, d, 64);
	for (size_t i = 0; i < 64; i++) {
		double t = d[i].tau_s;

		assert_near(curve_draw_at(&d[i], 1e-7 * t),
			    d[i].rate_bps * 1e-7 * t, 1e-3);
		assert_near(curve_draw_at(&d[i], 1e7 * t), d[i].rate_bps * t,
			    1e-3);
	}
}

TEST(in_no_time_a_draw_dirties_nothing)
{
	struct curve_draw d;

	passes(at_random, 60e6, 1e9, 2);
	curve_draws(&curve, &d, 1);
	assert_true(curve_draw_at(&d, 0) == 0);
	assert_true(curve_draw_at(&d, NAN) == 0);
}

TEST(draws_spread_as_far_as_the_curve_is_uncertain)
{
	enum { N = 512 };
	static struct curve_draw d[N];
	double sum = 0, squares = 0, sigma;

	passes(at_random, 60e6, 1e9, 2);
	curve_draws(&curve, d, N);
	for (size_t i = 0; i < N; i++) {
		double y = log(curve_draw_at(&d[i], 0.1));

		sum += y / N;
		squares += y * y / N;
	}
	sigma = sqrt(squares - sum * sum);
	assert_near(exp(sum), curve_at(&curve, 0.1), 0.1);
	assert_near(sigma, curve_sigma(&curve, 0.1), 0.15);
}

TEST(the_same_points_give_the_same_draws)
{
	struct curve_draw a[64], b[64];

	passes(hot_and_cold, 90e6, 3e9, 3);
	curve_draws(&curve, a, 64);
	curve_init(&curve, ram);
	passes(hot_and_cold, 90e6, 3e9, 3);
	curve_draws(&curve, b, 64);
	assert_memory_equal(a, b, sizeof(a));
}

/*
 * ln ∫∫ Π N(y; μ, σ²)^w p(σ²) dσ² dμ by plain summation, for points @y of
 * weights @w; p(σ²) is scaled inverse χ².
 */
static double marginal(const double *y, const double *w, size_t n)
{
	double nu = CURVE_PRIOR_PASSES;
	double s2 = CURVE_PRIOR_SIGMA * CURVE_PRIOR_SIGMA, sum = 0;

	for (double ln_v = -14; ln_v < 6; ln_v += 0.02)
		for (double mu = -4; mu < 4; mu += 0.005) {
			double v = exp(ln_v), ln = -nu / 2 * ln_v;

			ln -= nu * s2 / 2 / v;
			for (size_t i = 0; i < n; i++)
				ln -= w[i] *
				      (ln_v / 2 +
				       (y[i] - mu) * (y[i] - mu) / 2 / v);
			sum += exp(ln);
		}
	return log(sum);
}

/* Of two cells of the shape that goes around: flat over all, and linear. */
TEST(cells_are_weighted_by_the_marginal_of_their_points)
{
	static const double seconds[] = { 10, 8, 6 };
	static const double bytes[] = { 5e8, 4.6e8, 4e8 };
	double flat[3], linear[3], w[3];

	curve_init(&curve, 0);
	for (size_t i = 0; i < 3; i++)
		curve_add(&curve, seconds[i], bytes[i]);
	for (size_t i = 0; i < 3; i++) {
		w[i] = curve.point[i].weight;
		flat[i] = log(bytes[i] / 4e8);
		linear[i] = log(bytes[i] / seconds[i] / 5e7);
	}
	assert_near(
		log(curve.cell[CURVE_TIMES - 1].share / curve.cell[0].share),
		marginal(linear, w, 3) - marginal(flat, w, 3), 0.02);
}

TEST(learns_nothing_from_what_is_not_a_pass)
{
	static const double odd[][2] = {
		{ 0, 1e6 }, { -1, 1e6 },     { 1, -1 },	      { NAN, 1e6 },
		{ 1, NAN }, { INFINITY, 1 }, { 1, INFINITY },
	};

	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++)
		curve_add(&curve, odd[i][0], odd[i][1]);
	assert_false(curve_known(&curve));
}

TEST(times_out_of_all_bounds_are_taken_as_the_bounds)
{
	curve_add(&curve, 1e-30, 1e6);
	curve_add(&curve, 1e30, 1e9);
	assert_true(curve_at(&curve, 1e-40) > 0.9e6);
	assert_true(curve_at(&curve, 1e-40) < 1.1e6);
	assert_near(curve_at(&curve, 1e40), 1e9, 0.1);
}

static uint64_t seed = 1;

static double uniform(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (double)(seed >> 11) * 0x1p-53;
}

/* Anything positive that a double holds, and zero. */
static double anything(void)
{
	return uniform() < 0.1 ? 0 : exp(1400 * (uniform() - 0.5));
}

TEST(no_input_makes_it_say_nonsense)
{
	for (int i = 0; i < 300; i++) {
		curve_init(&curve, uniform() < 0.5 ? ram : anything());
		for (int k = 0; k < 5; k++)
			curve_add(&curve, anything(), anything());
		if (!curve_known(&curve))
			continue;
		for (int k = 0; k < 5; k++) {
			double t = anything();
			struct curve_draw d[8];

			assert_true(isfinite(curve_at(&curve, t)));
			assert_true(isfinite(curve_sigma(&curve, t)));
			curve_draws(&curve, d, 8);
			for (size_t j = 0; j < 8; j++)
				assert_true(isfinite(curve_draw_at(&d[j], t)));
		}
		assert_true(isfinite(curve_working_set(&curve)));
	}
}
