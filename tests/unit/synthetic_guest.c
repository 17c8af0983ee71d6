/* SPDX-License-Identifier: MIT */
/* synthetic_guest: the model behind each pattern is the guest's own. */
#include "tests/unit/synthetic_guest.h"

#include <math.h>
#include <string.h>

/* Seconds of [0, t] that it was busy. */
static double busy_until(const struct synthetic_guest *g, double t)
{
	double cycle = g->busy_s + g->idle_s, whole;

	if (g->idle_s <= 0)
		return t;
	t += g->phase_s;
	whole = floor(t / cycle);
	return whole * g->busy_s + fmin(t - whole * cycle, g->busy_s);
}

static double uniform(double bytes, double set)
{
	return set > 0 ? set * -expm1(-bytes / set) : 0;
}

static double written(const struct synthetic_guest *g, double seconds)
{
	double bytes = g->rate_bps * seconds, set = g->working_set_bytes;

	switch (g->pattern) {
	case SYNTHETIC_UNIFORM:
		return uniform(bytes, set);
	case SYNTHETIC_HOTCOLD:
		return uniform(0.9 * bytes, 0.1 * set) +
		       uniform(0.1 * bytes, 0.9 * set);
	default:
		return fmin(bytes, set);
	}
}

/* About normal, from the bits of when it is asked for. */
static double scatter(double x)
{
	uint64_t bits;
	double sum = 0;

	memcpy(&bits, &x, sizeof(bits));
	for (int i = 0; i < 12; i++) {
		bits = bits * 6364136223846793005u + 1442695040888963407u;
		sum += (double)(bits >> 40) / (1 << 24);
	}
	return sum - 6;
}

double synthetic_dirtied(const void *arg, double from_s, double to_s,
			 double throttle)
{
	const struct synthetic_guest *g = arg;
	double busy = busy_until(g, to_s) - busy_until(g, from_s);
	double d = written(g, fmax(busy, 0) * (1 - throttle));

	return fmin(d * exp(g->noise * scatter(from_s)), g->working_set_bytes);
}

struct simulate_guest synthetic_guest(const struct synthetic_guest *g,
				      double ram_bytes)
{
	return (struct simulate_guest){
		.ram_bytes = ram_bytes,
		.working_set_bytes = g->working_set_bytes,
		.dirtied = synthetic_dirtied,
		.arg = g,
	};
}
