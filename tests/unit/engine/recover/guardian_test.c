/* SPDX-License-Identifier: MIT */
/* guardian: how an engine is judged; one claim a test. */
#include "engine/recover/guardian.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

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

static void silence_is_three_seconds_of_ticks(void **state)
{
	struct guardian_watch w = { 0 };

	(void)state;
	assert_false(is_silent_after(&w, 29, TICK_MS));
	assert_true(is_silent_after(&w, 1, TICK_MS));
}

static void a_time_that_the_guardian_slept_through_is_no_silence(void **state)
{
	struct guardian_watch w = { 0 };

	(void)state;
	assert_false(is_silent_after(&w, 1, 60000));
	assert_true(is_silent_after(&w, 29, TICK_MS));
}

static void a_stopped_engine_is_wedged(void **state)
{
	(void)state;
	assert_true(judged('T', 1000, 1));
	assert_true(judged('t', 1000, 1));
}

static void an_engine_that_sleeps_on_is_wedged(void **state)
{
	(void)state;
	assert_false(judged('S', 1000, 1));
	assert_true(judged('S', 1000, 3));
	assert_false(judged('D', 1000, 3));
	assert_true(judged('D', 1000, 70));
}

static void an_engine_that_waits_for_a_cpu_is_not(void **state)
{
	(void)state;
	assert_false(judged('R', 1000, MANY));
	assert_false(judged('R', 2500, MANY));
}

static void an_engine_that_runs_in_circles_is_wedged(void **state)
{
	(void)state;
	assert_true(judged('R', 3000, 1));
}

static void a_sight_of_it_running_forgives_the_sleep_before(void **state)
{
	struct guardian_watch w = { 0 };
	const struct guardian_sight asleep = { .state = 'S' };
	const struct guardian_sight runs = { .state = 'R' };

	(void)state;
	assert_false(guardian_judge(&w, &asleep));
	assert_false(guardian_judge(&w, &asleep));
	assert_false(guardian_judge(&w, &runs));
	assert_false(guardian_judge(&w, &asleep));
}

static void an_engine_that_cannot_be_seen_is_left_alone(void **state)
{
	(void)state;
	assert_false(judged(0, 0, MANY));
}

static void a_busy_run_is_tried_again_at_once_and_then_more_seldom(void **state)
{
	(void)state;
	assert_int_equal(guardian_pause_ms(true, 0), 200);
	assert_int_equal(guardian_pause_ms(true, 1), 400);
	assert_int_equal(guardian_pause_ms(true, 1u << 31), 8000);
}

static void one_that_is_held_is_tried_again_for_ever(void **state)
{
	(void)state;
	assert_int_equal(guardian_pause_ms(false, 0), 1000);
	assert_int_equal(guardian_pause_ms(false, 3), 8000);
	assert_int_equal(guardian_pause_ms(false, 1u << 31), 8000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(silence_is_three_seconds_of_ticks),
		cmocka_unit_test(
			a_time_that_the_guardian_slept_through_is_no_silence),
		cmocka_unit_test(a_stopped_engine_is_wedged),
		cmocka_unit_test(an_engine_that_sleeps_on_is_wedged),
		cmocka_unit_test(an_engine_that_waits_for_a_cpu_is_not),
		cmocka_unit_test(an_engine_that_runs_in_circles_is_wedged),
		cmocka_unit_test(
			a_sight_of_it_running_forgives_the_sleep_before),
		cmocka_unit_test(an_engine_that_cannot_be_seen_is_left_alone),
		cmocka_unit_test(
			a_busy_run_is_tried_again_at_once_and_then_more_seldom),
		cmocka_unit_test(one_that_is_held_is_tried_again_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
