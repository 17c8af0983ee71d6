/* SPDX-License-Identifier: MIT */
/* clock: monotonic and wall-clock time. */
#include "transport/base/clock.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

static void monotonic_time_does_not_run_backwards(void **state)
{
	struct mono last = mono_now();

	(void)state;
	for (int i = 0; i < 100000; i++) {
		struct mono now = mono_now();

		assert_false(mono_before(now, last));
		last = now;
	}
}

static void wall_time_is_the_calendars(void **state)
{
	time_t before = time(NULL);
	struct wall now = wall_now();

	(void)state;
	/* time() may lag by a tick */
	assert_true(now.us / 1000000 >= (int64_t)before);
	assert_true(now.us / 1000000 <= (int64_t)time(NULL) + 1);
}

static void milliseconds_add_up(void **state)
{
	struct mono t = { 5000 };

	(void)state;
	assert_int_equal(mono_add_ms(t, 3).us, 8000);
	assert_int_equal(mono_add_ms(t, -6).us, -1000);
}

static void never_stays_never(void **state)
{
	(void)state;
	assert_true(mono_is_never(mono_add_ms(MONO_NEVER, -1)));
	assert_true(mono_is_never(mono_add_ms(MONO_NEVER, 1)));
}

static void sums_saturate_at_never(void **state)
{
	struct mono t = { 5000 };

	(void)state;
	assert_true(mono_is_never(mono_add_ms(t, INT64_MAX)));
	assert_true(mono_is_never(mono_add_ms(t, INT64_MAX / 1000)));
}

static void any_negative_time_is_in_the_past(void **state)
{
	(void)state;
	assert_true(mono_before(mono_in_ms(-1), mono_now()));
	assert_true(mono_before(mono_in_ms(INT64_MIN), mono_now()));
}

static void differences_are_in_milliseconds(void **state)
{
	struct mono a = { 7500 }, b = { 5000 };

	(void)state;
	assert_true(mono_diff_ms(a, b) > 2.499 && mono_diff_ms(a, b) < 2.501);
	assert_true(mono_diff_ms(b, a) < 0);
}

static void the_earlier_of_two_is_the_minimum(void **state)
{
	struct mono a = { 1 }, b = { 2 };

	(void)state;
	assert_int_equal(mono_min(a, b).us, 1);
	assert_int_equal(mono_min(b, a).us, 1);
	assert_int_equal(mono_min(MONO_NEVER, a).us, 1);
}

static void poll_waits_are_rounded_up(void **state)
{
	struct mono now = { 10000 };

	(void)state;
	assert_int_equal(mono_poll_ms(now, (struct mono){ 10001 }), 1);
	assert_int_equal(mono_poll_ms(now, (struct mono){ 11000 }), 1);
	assert_int_equal(mono_poll_ms(now, (struct mono){ 11001 }), 2);
}

static void poll_does_not_wait_for_the_past(void **state)
{
	struct mono now = { 10000 };

	(void)state;
	assert_int_equal(mono_poll_ms(now, now), 0);
	assert_int_equal(mono_poll_ms(now, (struct mono){ 9999 }), 0);
	assert_int_equal(mono_poll_ms(now, (struct mono){ INT64_MIN }), 0);
}

static void poll_waits_for_ever_for_never(void **state)
{
	(void)state;
	assert_int_equal(mono_poll_ms(mono_now(), MONO_NEVER), -1);
}

static void poll_waits_fit_an_int(void **state)
{
	struct mono now = { 0 };

	(void)state;
	assert_int_equal(mono_poll_ms(now, (struct mono){ INT64_MAX - 1 }),
			 INT_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(monotonic_time_does_not_run_backwards),
		cmocka_unit_test(wall_time_is_the_calendars),
		cmocka_unit_test(milliseconds_add_up),
		cmocka_unit_test(never_stays_never),
		cmocka_unit_test(sums_saturate_at_never),
		cmocka_unit_test(any_negative_time_is_in_the_past),
		cmocka_unit_test(differences_are_in_milliseconds),
		cmocka_unit_test(the_earlier_of_two_is_the_minimum),
		cmocka_unit_test(poll_waits_are_rounded_up),
		cmocka_unit_test(poll_does_not_wait_for_the_past),
		cmocka_unit_test(poll_waits_for_ever_for_never),
		cmocka_unit_test(poll_waits_fit_an_int),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
