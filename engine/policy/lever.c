/* SPDX-License-Identifier: MIT */
/* lever: the gate and the throttle as QEMU takes them; pure. */
#include "engine/policy/lever.h"

#include <math.h>

#include "engine/policy/policy_constants.h"

/*
 * A pass may find worse pages for xbzrle than the last one did: the limit is
 * raised by no more than this.
 */
static const double most_ratio = 8;
/* A limit or a bandwidth that is out by less than this part is left. */
static const double near_part = 0.1;
/* Percent; QEMU's least throttle: armed, and as good as none. */
enum { ARMED = 1 };

double lever_limit_ms(double ms, double ratio)
{
	return fmin(floor(ms * fmin(fmax(ratio, 1), most_ratio)),
		    POLICY_WIDE_MS);
}

bool lever_is_near(double a, double b)
{
	return a == b || fabs(a / b - 1) < near_part;
}

unsigned int lever_percent(double share)
{
	return share > ARMED / 100.0 ? (unsigned int)lround(share * 100)
				     : ARMED;
}

double lever_share(int percent)
{
	return percent > ARMED ? percent / 100.0 : 0;
}
