/* SPDX-License-Identifier: MIT */
/* clock: monotonic and wall-clock time as two types that do not mix. */
#include "transport/base/clock.h"

#include <limits.h>
#include <time.h>

static int64_t read_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

struct mono mono_now(void)
{
	return (struct mono){ read_us(CLOCK_MONOTONIC) };
}

struct wall wall_now(void)
{
	return (struct wall){ read_us(CLOCK_REALTIME) };
}

struct mono mono_add_ms(struct mono t, int64_t ms)
{
	int64_t us;

	if (mono_is_never(t))
		return t;
	if (__builtin_mul_overflow(ms, 1000, &us) ||
	    __builtin_add_overflow(t.us, us, &us))
		us = ms < 0 ? INT64_MIN : INT64_MAX;
	return (struct mono){ us };
}

struct mono mono_in_ms(int64_t ms)
{
	return mono_add_ms(mono_now(), ms);
}

struct mono mono_add_since(struct mono t, struct mono start)
{
	return mono_add_ms(t, (int64_t)mono_diff_ms(mono_now(), start));
}

int mono_poll_ms(struct mono now, struct mono deadline)
{
	int64_t ms;

	if (mono_is_never(deadline))
		return -1;
	if (deadline.us <= now.us)
		return 0;
	ms = (deadline.us - now.us - 1) / 1000 + 1;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}
