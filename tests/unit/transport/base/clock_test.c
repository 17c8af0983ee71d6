/* SPDX-License-Identifier: MIT */
/* clock: monotonic and wall-clock time. */
#include "transport/base/clock.h"

#include <limits.h>
#include <time.h>

#include "tests/unit/test.h"

TEST(monotonic_time_does_not_run_backwards)
{
	struct mono last = mono_now();

	for (int i = 0; i < 100000; i++) {
		struct mono now = mono_now();

		assert_false(mono_before(now, last));
		last = now;
	}
}

TEST(wall_time_is_the_calendars)
{
	time_t before = time(NULL);
	struct wall now = wall_now();

	/* time() may lag by a tick */
	assert_true(now.us / 1000000 >= (int64_t)before);
	assert_true(now.us / 1000000 <= (int64_t)time(NULL) + 1);
}

TEST(milliseconds_add_up)
{
	struct mono t = { 5000 };

	assert_int_equal(mono_add_ms(t, 3).us, 8000);
	assert_int_equal(mono_add_ms(t, -6).us, -1000);
}

TEST(never_stays_never)
{
	assert_true(mono_is_never(mono_add_ms(MONO_NEVER, -1)));
	assert_true(mono_is_never(mono_add_ms(MONO_NEVER, 1)));
}

TEST(sums_saturate_at_never)
{
	struct mono t = { 5000 };

	assert_true(mono_is_never(mono_add_ms(t, INT64_MAX)));
	assert_true(mono_is_never(mono_add_ms(t, INT64_MAX / 1000)));
}

TEST(any_negative_time_is_in_the_past)
{
	assert_true(mono_before(mono_in_ms(-1), mono_now()));
	assert_true(mono_before(mono_in_ms(INT64_MIN), mono_now()));
}

TEST(differences_are_in_milliseconds)
{
	struct mono a = { 7500 }, b = { 5000 };

	assert_true(mono_diff_ms(a, b) > 2.499 && mono_diff_ms(a, b) < 2.501);
	assert_true(mono_diff_ms(b, a) < 0);
}

TEST(the_earlier_of_two_is_the_minimum)
{
	struct mono a = { 1 }, b = { 2 };

	assert_int_equal(mono_min(a, b).us, 1);
	assert_int_equal(mono_min(b, a).us, 1);
	assert_int_equal(mono_min(MONO_NEVER, a).us, 1);
}

TEST(poll_waits_are_rounded_up)
{
	struct mono now = { 10000 };

	assert_int_equal(mono_poll_ms(now, (struct mono){ 10001 }), 1);
	assert_int_equal(mono_poll_ms(now, (struct mono){ 11000 }), 1);
	assert_int_equal(mono_poll_ms(now, (struct mono){ 11001 }), 2);
}

TEST(poll_does_not_wait_for_the_past)
{
	struct mono now = { 10000 };

	assert_int_equal(mono_poll_ms(now, now), 0);
	assert_int_equal(mono_poll_ms(now, (struct mono){ 9999 }), 0);
	assert_int_equal(mono_poll_ms(now, (struct mono){ INT64_MIN }), 0);
}

TEST(poll_waits_for_ever_for_never)
{
	assert_int_equal(mono_poll_ms(mono_now(), MONO_NEVER), -1);
}

TEST(poll_waits_fit_an_int)
{
	struct mono now = { 0 };

	assert_int_equal(mono_poll_ms(now, (struct mono){ INT64_MAX - 1 }),
			 INT_MAX);
}
