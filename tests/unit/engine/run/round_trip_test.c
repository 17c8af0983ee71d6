/* SPDX-License-Identifier: MIT */
/* round_trip: what counts as one. */
#include "engine/run/round_trip.h"

#include "engine/run/run.h"
#include "tests/unit/test.h"

static void once(struct run *r)
{
	round_trip_begin(r);
	round_trip_end(r);
}

TEST(one_after_the_other_is_two)
{
	struct run r = { .opt = NULL };

	once(&r);
	once(&r);
	assert_int_equal(round_trip_count(&r), 2);
}

TEST(at_the_same_time_is_one)
{
	struct run r = { .opt = NULL };

	round_trip_begin(&r);
	once(&r);
	round_trip_begin(&r);
	round_trip_end(&r);
	round_trip_end(&r);
	assert_int_equal(round_trip_count(&r), 1);
	once(&r);
	assert_int_equal(round_trip_count(&r), 2);
}

TEST(what_ended_before_the_stop_does_not_count)
{
	struct run r = { .opt = NULL };

	once(&r);
	once(&r);
	round_trip_reset(&r);
	assert_int_equal(round_trip_count(&r), 0);
}

TEST(what_is_under_way_at_the_stop_counts)
{
	struct run r = { .opt = NULL };

	once(&r);
	round_trip_begin(&r);
	round_trip_reset(&r);
	round_trip_end(&r);
	assert_int_equal(round_trip_count(&r), 1);
}

TEST(a_lost_count_is_not_known)
{
	struct run r = { .opt = NULL };

	once(&r);
	round_trip_lose_count(&r);
	once(&r);
	assert_int_equal(round_trip_count(&r), -1);
	round_trip_reset(&r);
	assert_int_equal(round_trip_count(&r), 0);
}
