/* SPDX-License-Identifier: MIT */
/*
 * period: whether a guest writes in phases, and how long they last; pure.
 *
 * Theory of operation. Each pass shows how active the guest was while it
 * lasted: the bytes that it dirtied over what the curve expects of that many
 * seconds. That is a step function of time, known no finer than passes are
 * long. Sampled on an even grid, its autocorrelation
 *
 *	r(k) = Σ (x_i - m)(x_i+k - m) / Σ (x_i - m)²  · n / (n - k)
 *
 * has its first peak behind the first dip at the period (as pitch is sought in
 * speech: Rabiner, "On the use of autocorrelation analysis for pitch
 * detection", IEEE Trans. ASSP 25(1), 1977). The height of the peak is the
 * confidence, less where fewer than two periods were seen.
 */
#ifndef ENGINE_POLICY_PERIOD_H
#define ENGINE_POLICY_PERIOD_H

#include <stdbool.h>
#include <stddef.h>

enum { PERIOD_GRID = 256 };

/* From @from_s to @to_s the guest was @activity as busy as expected. */
struct period_span {
	double from_s, to_s;
	double activity; /* 0 … about 2 */
};

struct period {
	double seconds;	   /* of one, 0: none was found */
	double confidence; /* 0 … 1 */
	double spread; /* standard deviation of the activity over its mean */
};

/* @n spans, in order and without gaps. Zeroed @out where they show nothing. */
void period_find(const struct period_span *v, size_t n, struct period *out);

/* With fewer than these a period is a guess. */
#define PERIOD_SURE 0.5

#endif
