/* SPDX-License-Identifier: MIT */
/* spread: the middle of some numbers, and what nine in ten do not exceed. */
#ifndef ENGINE_POLICY_SPREAD_H
#define ENGINE_POLICY_SPREAD_H

#include <stddef.h>

struct spread {
	double p50, p90;
};

/* Sorts @v; NAN without numbers. */
struct spread spread_of(double *v, size_t n);

#endif
