/* SPDX-License-Identifier: MIT */
/* curve: the dirty curve of a guest; pure. The theory is in curve.h. */
#include "engine/policy/curve.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "engine/policy/policy_constants.h"

/*
 * Two parts of the working set: @hot of it takes @writes of the writes, evenly
 * and at random, or in turn. Mild priors: the plain ones are likelier.
 */
static const struct shape {
	bool in_turn;
	double hot, writes, prior;
} shapes[] = {
	{ true, 1, 1, 8 },	    { false, 1, 1, 4 },
	{ false, 0.1, 0.9, 2 },	    { false, 0.2, 0.8, 2 },
	{ false, 0.3, 0.6, 0.5 },   { false, 0.1, 0.5, 0.5 },
	{ false, 0.05, 0.8, 0.5 },  { false, 0.03, 0.6, 0.5 },
	{ false, 0.02, 0.95, 0.5 }, { false, 0.01, 0.8, 0.5 },
	{ false, 0.003, 0.5, 0.5 }, { true, 0.1, 0.9, 0.5 },
};
static_assert(sizeof(shapes) / sizeof(*shapes) == CURVE_SHAPES, "all told");

/*
 * ln τ = ln_tau_low + step × index: 0.2 ms … 5 h. The table of ln g has the
 * same step, so that a point falls between two samples in the same way in all
 * cells; it reaches from the shortest t at the largest τ, and a step below, to
 * the opposite.
 */
static const double step = 0.145;
static const double ln_tau_low = -8.5;
static const double ln_s_low = -11.5, ln_s_high = 14;

static double ln_x_low(void)
{
	return ln_s_low - ln_tau_low - step * CURVE_TIMES;
}

/* Two points this far apart in ln t are much the same. */
static const double near = 0.35;
/* What a point loses to a later one at the same t, and to any. */
static const double superseded = 0.35;
static const double aged = 0.02;

static double part(bool in_turn, double x)
{
	return in_turn ? fmin(x, 1) : -expm1(-x);
}

static double shape_at(const struct shape *s, double x)
{
	double hot = s->hot * part(s->in_turn, x * s->writes / s->hot);

	if (s->hot >= 1)
		return hot;
	return hot + (1 - s->hot) * part(s->in_turn,
					 x * (1 - s->writes) / (1 - s->hot));
}

void curve_init(struct curve *c, double ram_bytes)
{
	memset(c, 0, sizeof(*c));
	c->ram_bytes = isfinite(ram_bytes) && ram_bytes > POLICY_PAGE_BYTES
			       ? ram_bytes
			       : 0x1p60;
	c->ln_ram = log(c->ram_bytes);
	for (size_t s = 0; s < CURVE_SHAPES; s++)
		for (int i = 0; i < CURVE_TABLE; i++)
			c->table[s][i] = log(shape_at(
				&shapes[s], exp(ln_x_low() + step * i)));
}

bool curve_known(const struct curve *c)
{
	return c->points > 0;
}

/* Where ln t falls into the table for the smallest τ. */
struct place {
	size_t index;
	double part;
};

static struct place place_of(double ln_s)
{
	double at = (ln_s - ln_tau_low - ln_x_low()) / step;
	double whole = floor(at);

	return (struct place){ .index = (size_t)whole, .part = at - whole };
}

/* ln g(t/τ) of τ's index @time. */
static inline double ln_shape(const double *table, struct place p, size_t time)
{
	const double *at = table + (p.index - time);

	return at[0] + p.part * (at[1] - at[0]);
}

static double ln_seconds(double seconds)
{
	return fmin(fmax(log(seconds), ln_s_low), ln_s_high);
}

/* --- learning ------------------------------------------------------------- */

/* Σ w y and Σ w y² of all cells of a shape. */
struct sums {
	double y[CURVE_TIMES], yy[CURVE_TIMES];
};

static void sum_points(const struct curve *c, size_t shape, struct sums *sums)
{
	memset(sums, 0, sizeof(*sums));
	for (size_t i = 0; i < c->points; i++) {
		const struct curve_point *p = &c->point[i];
		struct place at = place_of(p->ln_s);
		/* small numbers: y² is subtracted from its like below */
		double ln_bytes = p->ln_bytes - c->point[0].ln_bytes;

		for (size_t t = 0; t < CURVE_TIMES; t++) {
			double y = ln_bytes - ln_shape(c->table[shape], at, t);

			sums->y[t] += p->weight * y;
			sums->yy[t] += p->weight * y * y;
		}
	}
}

/* Returns the logarithm of the posterior, not normalised. */
static double fit_cell(const struct curve *c, struct curve_cell *cell,
		       double sum_y, double sum_yy)
{
	double mean = sum_y / c->weight;
	double scatter =
		fmax(sum_yy - mean * sum_y, 0) +
		CURVE_PRIOR_PASSES * CURVE_PRIOR_SIGMA * CURVE_PRIOR_SIGMA;
	double freedom = CURVE_PRIOR_PASSES + c->weight - 1;
	double over, score = -freedom / 2 * log(scatter);

	cell->ln_set = mean + c->point[0].ln_bytes;
	cell->variance = scatter / freedom;
	over = cell->ln_set - c->ln_ram;
	/* how much of the posterior of ln W lies within RAM, nearly */
	if (over > 0)
		score -= over * over / 2 / cell->variance * c->weight;
	return score;
}

static void normalise(struct curve *c)
{
	double best = -INFINITY, sum = 0;

	for (size_t i = 0; i < CURVE_CELLS; i++)
		best = fmax(best, c->cell[i].share);
	for (size_t i = 0; i < CURVE_CELLS; i++) {
		double *share = &c->cell[i].share;

		*share = *share > best - 30 ? exp(*share - best) : 0;
		sum += *share;
	}
	for (size_t i = 0; i < CURVE_CELLS; i++)
		c->cell[i].share /= sum;
}

static void fit(struct curve *c)
{
	struct curve_cell *cell = c->cell;
	struct sums sums;

	for (size_t s = 0; s < CURVE_SHAPES; s++) {
		sum_points(c, s, &sums);
		for (size_t t = 0; t < CURVE_TIMES; t++, cell++)
			cell->share = log(shapes[s].prior) +
				      fit_cell(c, cell, sums.y[t], sums.yy[t]);
	}
	normalise(c);
}

/* The old ones lose weight; returns where a new one may go. */
static struct curve_point *make_room(struct curve *c, double ln_s)
{
	struct curve_point *lightest = c->point;

	for (size_t i = 0; i < c->points; i++) {
		struct curve_point *p = &c->point[i];
		double away = (p->ln_s - ln_s) / near;

		p->weight *= 1 - aged - superseded * exp(-away * away / 2);
		if (p->weight < lightest->weight)
			lightest = p;
	}
	return c->points < CURVE_POINTS ? &c->point[c->points++] : lightest;
}

void curve_add(struct curve *c, double seconds, double bytes)
{
	double ln_s;

	if (!(seconds > 0) || !(bytes >= 0) || !isfinite(seconds) ||
	    !isfinite(bytes))
		return;
	ln_s = ln_seconds(seconds);
	*make_room(c, ln_s) = (struct curve_point){
		.ln_s = ln_s,
		.ln_bytes =
			log(fmin(fmax(bytes, POLICY_PAGE_BYTES / 2.0), 0x1p80)),
		.weight = 1,
	};
	c->weight = 0;
	for (size_t i = 0; i < c->points; i++)
		c->weight += c->point[i].weight;
	fit(c);
}

/* --- asking --------------------------------------------------------------- */

/* W is known this well in a cell. */
static double set_sigma(const struct curve *c, const struct curve_cell *cell)
{
	return sqrt(cell->variance / c->weight);
}

double curve_draw_at(const struct curve_draw *d, double seconds)
{
	if (!(seconds > 0))
		return 0;
	return d->rate_bps * d->tau_s *
	       shape_at(&shapes[d->shape], seconds / d->tau_s);
}

/* The @index-th number of a sequence that fills 0 … 1 evenly. */
static double golden(size_t index)
{
	double x = 0.5 + 0.6180339887498949 * (double)index;

	return x - floor(x);
}

static struct curve_draw draw(const struct curve *c, size_t cell, size_t index)
{
	const struct curve_cell *from = &c->cell[cell];
	double u = golden(index);
	/* a logistic as wide as the normal */
	double z = log(u / (1 - u)) / 1.7;
	double tau = exp(ln_tau_low + step * (double)(cell % CURVE_TIMES));
	double ln_set = fmin(from->ln_set + z * set_sigma(c, from), c->ln_ram);

	return (struct curve_draw){
		.rate_bps = exp(ln_set) / tau,
		.tau_s = tau,
		.shape = cell / CURVE_TIMES,
		.sigma = sqrt(from->variance),
	};
}

size_t curve_draws(const struct curve *c, struct curve_draw *out, size_t n)
{
	double sum = 0;
	size_t i = 0, last = 0;

	if (!curve_known(c))
		return 0;
	for (size_t cell = 0; cell < CURVE_CELLS; cell++) {
		if (c->cell[cell].share <= 0)
			continue;
		last = cell;
		sum += c->cell[cell].share * (double)n;
		for (; i < n && sum > (double)i + 0.5; i++)
			out[i] = draw(c, cell, i);
	}
	for (; i < n; i++)
		out[i] = draw(c, last, i);
	return n;
}

/* Mean and variance over the cells of ln D(t). */
static void moments(const struct curve *c, double seconds, double *mean,
		    double *variance)
{
	struct place at = place_of(ln_seconds(seconds));
	const struct curve_cell *cell = c->cell;
	double sum = 0, squares = 0, within = 0;
	double base = c->point[0].ln_bytes;

	for (size_t s = 0; s < CURVE_SHAPES; s++)
		for (size_t t = 0; t < CURVE_TIMES; t++, cell++) {
			double y = cell->ln_set - base +
				   ln_shape(c->table[s], at, t);

			sum += cell->share * y;
			squares += cell->share * y * y;
			within += cell->share * cell->variance;
		}
	*mean = base + sum;
	*variance = fmax(squares - sum * sum, 0) + within * (1 + 1 / c->weight);
}

double curve_at(const struct curve *c, double seconds)
{
	double mean, variance;

	if (!curve_known(c) || !(seconds > 0))
		return 0;
	moments(c, seconds, &mean, &variance);
	return fmin(exp(mean), c->ram_bytes);
}

double curve_sigma(const struct curve *c, double seconds)
{
	double mean, variance;

	if (!curve_known(c) || !(seconds > 0))
		return 0;
	moments(c, seconds, &mean, &variance);
	return sqrt(variance);
}

double curve_working_set(const struct curve *c)
{
	double sum = 0;

	if (!curve_known(c))
		return 0;
	for (size_t i = 0; i < CURVE_CELLS; i++)
		sum += c->cell[i].share * c->cell[i].ln_set;
	return fmin(exp(sum), c->ram_bytes);
}
