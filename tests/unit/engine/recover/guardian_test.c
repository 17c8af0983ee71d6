/* SPDX-License-Identifier: MIT */
/* guardian: how an engine is judged; one claim a test. */
#include "engine/recover/guardian.h"

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

/* A hundred on-time ticks are more than the longest silence. */
enum { TICK_MS = 100, MANY = 100 };

static bool is_silent_after(struct guardian_watch *w, int ticks, double each)
{
	bool silent = false;

	while (ticks--)
		silent = guardian_silence(w, each);
	return silent;
}

static bool judged(char state, uint64_t cpu_ms, int sights)
{
	struct guardian_watch w = { .cpu_ms_then = 1000 };
	struct guardian_sight s = { .state = state, .cpu_ms = cpu_ms };
	bool wedged = false;

	while (sights--)
		wedged = guardian_judge(&w, &s);
	return wedged;
}

TEST(silence_is_three_seconds_of_ticks)
{
	struct guardian_watch w = { 0 };

	assert_false(is_silent_after(&w, 29, TICK_MS));
	assert_true(is_silent_after(&w, 1, TICK_MS));
}

TEST(a_time_that_the_guardian_slept_through_is_no_silence)
{
	struct guardian_watch w = { 0 };

	assert_false(is_silent_after(&w, 1, 60000));
	assert_true(is_silent_after(&w, 29, TICK_MS));
}

TEST(a_stopped_engine_is_wedged)
{
	assert_true(judged('T', 1000, 1));
	assert_true(judged('t', 1000, 1));
}

TEST(an_engine_that_sleeps_on_is_wedged)
{
	assert_false(judged('S', 1000, 1));
	assert_true(judged('S', 1000, 3));
	assert_false(judged('D', 1000, 3));
	assert_true(judged('D', 1000, 70));
}

TEST(an_engine_that_waits_for_a_cpu_is_not)
{
	assert_false(judged('R', 1000, MANY));
	assert_false(judged('R', 2500, MANY));
}

TEST(an_engine_that_runs_in_circles_is_wedged)
{
	assert_true(judged('R', 3000, 1));
}

TEST(a_sight_of_it_running_forgives_the_sleep_before)
{
	struct guardian_watch w = { 0 };
	const struct guardian_sight asleep = { .state = 'S' };
	const struct guardian_sight runs = { .state = 'R' };

	assert_false(guardian_judge(&w, &asleep));
	assert_false(guardian_judge(&w, &asleep));
	assert_false(guardian_judge(&w, &runs));
	assert_false(guardian_judge(&w, &asleep));
}

TEST(an_engine_that_cannot_be_seen_is_left_alone)
{
	assert_false(judged(0, 0, MANY));
}

TEST(a_busy_run_is_tried_again_at_once_and_then_more_seldom)
{
	assert_int_equal(guardian_pause_ms(true, 0), 200);
	assert_int_equal(guardian_pause_ms(true, 1), 400);
	assert_int_equal(guardian_pause_ms(true, 1u << 31), 8000);
}

TEST(one_that_is_held_is_tried_again_for_ever)
{
	assert_int_equal(guardian_pause_ms(false, 0), 1000);
	assert_int_equal(guardian_pause_ms(false, 3), 8000);
	assert_int_equal(guardian_pause_ms(false, 1u << 31), 8000);
}
