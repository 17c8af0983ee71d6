/* SPDX-License-Identifier: MIT */
/*
 * curve: the dirty curve D(t), the distinct bytes that a guest rewrites within
 * t seconds, learnt while it is being copied; pure.
 *
 * Theory of operation. Every pass gives one point: a pass of t seconds left
 * D(t) bytes to be copied again. D is concave, begins with the guest's store
 * rate r (bytes/s) and ends in its writable working set W, so it is sought as
 *
 *	D(t) = W g(t/τ),   τ = W/r,   g(x) ≈ x for small x, g(∞) = 1
 *
 * with g one of a few shapes: min(x, 1), of a guest that goes around and
 * around; 1 - exp(-x), of one that writes at random (Denning and Schwartz,
 * "Properties of the working-set model", CACM 15(3), 1972: independent
 * references to page i at rate λi make D(t) = Σ 1 - exp(-λi t), concave); and
 * sums of two of the latter, where a share of the writes goes to a small hot
 * part. A cell is one shape with one τ of a geometric grid. In a cell
 *
 *	y = ln D - ln g(t/τ) = ln W + noise,   noise ~ N(0, σ²)
 *
 * is a sample of one mean with unknown variance. With p(ln W) flat up to RAM
 * and σ² ~ scaled-inverse-χ²(ν, s²), integrating first ln W, then σ² out
 * leaves (Murphy, "Conjugate Bayesian analysis of the Gaussian distribution",
 * 2007; Gelman et al., "Bayesian Data Analysis", 3.2)
 *
 *	p(y | cell) ∝ (ν s² + S)^-((ν + n - 1)/2),   S = Σ w (y - ȳ)²,  n = Σ w
 *
 * a Student t in the points, all other factors being the same in all cells.
 * One point thus gives W or r, but not which cell. Whatever is asked of the
 * curve is answered by all cells, weighted: so the answer comes with its
 * uncertainty, which is large where nothing was seen.
 *
 * Points are kept, not sums: a new one takes weight off the old ones near it
 * in ln t, which it repeats and supersedes, and hardly any off those far away.
 * So a hundred passes of one length do not outvote the single long one, nor
 * pretend to know the shape elsewhere, and a guest that changes is followed.
 * One that rests now and then shows in none of this until a pass is as short
 * as its rests: it is taken for one that is a little slower all the time.
 *
 * Seconds are the guest's own: under a throttle of s percent t (1 - s/100).
 */
#ifndef ENGINE_POLICY_CURVE_H
#define ENGINE_POLICY_CURVE_H

#include <stdbool.h>
#include <stddef.h>

enum {
	CURVE_SHAPES = 12,
	CURVE_TIMES = 128,
	CURVE_CELLS = CURVE_SHAPES * CURVE_TIMES,
	CURVE_POINTS = 10,
	CURVE_TABLE = 320, /* ln g, sampled at the grid's step */
};

/* The prior of σ: ν passes that scattered by s. */
#define CURVE_PRIOR_PASSES 3.0
#define CURVE_PRIOR_SIGMA 0.03

struct curve_point {
	double ln_s, ln_bytes, weight;
};

struct curve_cell {
	double share;	 /* posterior; over all cells 1 */
	double ln_set;	 /* mean of ln W */
	double variance; /* of one pass */
};

/* About 75 KiB: not for a task's stack. curve_init() fills it. */
struct curve {
	double ram_bytes, ln_ram;
	double weight; /* of all points */
	size_t points;
	struct curve_point point[CURVE_POINTS];
	struct curve_cell cell[CURVE_CELLS];
	double table[CURVE_SHAPES][CURVE_TABLE];
};

/* No working set is larger than @ram_bytes; 0: not known. */
void curve_init(struct curve *c, double ram_bytes);
/*
 * Within @seconds of the guest's own time @bytes became dirty. Less than a
 * page is taken as half of one, since a logarithm is. Nothing is learnt from
 * what is negative, not finite, or took no time.
 */
void curve_add(struct curve *c, double seconds, double bytes);
/* False before the first point: nothing below is meaningful then. */
bool curve_known(const struct curve *c);

/* One curve of those that may be the guest's. */
struct curve_draw {
	double rate_bps; /* r, bytes/s */
	double tau_s;	 /* τ; the working set is r τ */
	size_t shape;	 /* 0 … CURVE_SHAPES - 1 */
	double sigma;	 /* of ln D from one pass to the next */
};
/* D(t) of one, bytes. */
double curve_draw_at(const struct curve_draw *d, double seconds);
/*
 * @n curves, all as likely: every n-th part of the posterior gives one, with W
 * drawn, too. The same points give the same curves. Returns @n, or 0 when
 * nothing is known.
 */
size_t curve_draws(const struct curve *c, struct curve_draw *out, size_t n);

/* The middle of the curves (means of ln D over the cells), bytes. */
double curve_at(const struct curve *c, double seconds);
/* 1 σ of ln D(t), of the next pass: curve, fit and noise together. */
double curve_sigma(const struct curve *c, double seconds);
double curve_working_set(const struct curve *c);

#endif
