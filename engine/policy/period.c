/* SPDX-License-Identifier: MIT */
/* period: phases of a guest; pure. The theory is in period.h. */
#include "engine/policy/period.h"

#include <math.h>
#include <string.h>

/* A peak of at least this part of the highest one counts as high. */
static const double near_highest = 0.85;

struct grid {
	double x[PERIOD_GRID]; /* less the mean */
	size_t n;
	double step_s, from_s;
	double mean, variance;
};

static void fill(struct grid *g, const struct period_span *v, size_t n)
{
	size_t at = 0;
	double sum = 0;

	for (size_t i = 0; i < g->n; i++) {
		double t = g->from_s + ((double)i + 0.5) * g->step_s;

		while (at + 1 < n && v[at].to_s <= t)
			at++;
		g->x[i] = v[at].activity;
		sum += g->x[i];
	}
	g->mean = sum / (double)g->n;
	for (size_t i = 0; i < g->n; i++) {
		g->x[i] -= g->mean;
		g->variance += g->x[i] * g->x[i];
	}
	g->variance /= (double)g->n;
}

static double correlation(const struct grid *g, size_t lag)
{
	double sum = 0;

	for (size_t i = 0; i + lag < g->n; i++)
		sum += g->x[i] * g->x[i + lag];
	return sum / ((double)(g->n - lag) * g->variance);
}

/*
 * The highest correlation behind the first dip below 0, within three quarters
 * of what was seen; *lag is 0 when there is none. A multiple of the period
 * correlates as well: the first that comes near the highest is taken.
 */
static double find_peak(const struct grid *g, size_t *lag)
{
	double r[PERIOD_GRID] = { 0 }, highest = 0;
	size_t most = g->n * 3 / 4, dip = 1;

	for (size_t k = 1; k < most; k++)
		r[k] = correlation(g, k);
	while (dip < most && r[dip] > 0)
		dip++;
	*lag = 0;
	for (size_t k = dip; k < most; k++)
		highest = fmax(highest, r[k]);
	for (size_t k = dip; k + 1 < most; k++) {
		if (r[k] < near_highest * highest || r[k] < r[k + 1])
			continue;
		*lag = k;
		return r[k];
	}
	return 0;
}

void period_find(const struct period_span *v, size_t n, struct period *out)
{
	struct grid g = { .n = PERIOD_GRID };
	double span, seen;
	size_t lag;

	memset(out, 0, sizeof(*out));
	if (n < 2 || !(v[n - 1].to_s > v[0].from_s))
		return;
	span = v[n - 1].to_s - v[0].from_s;
	g.from_s = v[0].from_s;
	g.step_s = span / PERIOD_GRID;
	fill(&g, v, n);
	if (!(g.mean > 0) || !(g.variance > 0))
		return;
	out->spread = sqrt(g.variance) / g.mean;
	out->confidence = fmin(find_peak(&g, &lag), 1);
	out->seconds = (double)lag * g.step_s;
	if (!lag)
		return;
	seen = span / out->seconds;
	out->confidence *= fmin(seen / 2, 1);
}
