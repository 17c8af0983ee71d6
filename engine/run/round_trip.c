/* SPDX-License-Identifier: MIT */
/* round_trip: counts the waits for the destination with the guest stopped. */
#include "engine/run/round_trip.h"

#include <assert.h>

#include "engine/run/run.h"

void round_trip_reset(struct run *r)
{
	struct attempt_clock *c = &r->attempt.clock;

	/* one that began before STOP ends after it */
	c->round_trips = c->under_way > 0;
	c->lost_count = false;
}

void round_trip_begin(struct run *r)
{
	struct attempt_clock *c = &r->attempt.clock;

	if (!c->under_way++)
		c->round_trips++;
}

void round_trip_end(struct run *r)
{
	assert(r->attempt.clock.under_way > 0);
	r->attempt.clock.under_way--;
}

void round_trip_lose_count(struct run *r)
{
	r->attempt.clock.lost_count = true;
}

int round_trip_count(const struct run *r)
{
	const struct attempt_clock *c = &r->attempt.clock;

	return c->lost_count ? -1 : (int)c->round_trips;
}
