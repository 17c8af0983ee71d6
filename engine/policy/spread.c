/* SPDX-License-Identifier: MIT */
/* spread: the middle of some numbers, and what nine in ten do not exceed. */
#include "engine/policy/spread.h"

#include <math.h>

static void sort(double *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		double x = v[i];
		size_t j = i;

		for (; j > 0 && v[j - 1] > x; j--)
			v[j] = v[j - 1];
		v[j] = x;
	}
}

struct spread spread_of(double *v, size_t n)
{
	if (!n)
		return (struct spread){ NAN, NAN };
	sort(v, n);
	return (struct spread){
		.p50 = (v[(n - 1) / 2] + v[n / 2]) / 2,
		.p90 = v[(9 * n + 9) / 10 - 1],
	};
}
