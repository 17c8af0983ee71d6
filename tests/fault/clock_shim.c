/* SPDX-License-Identifier: MIT */
/*
 * clock_shim: preloaded, makes the wall clock jump a day ahead as soon as the
 * monotonic clock has reached CLOCK_JUMP_AT (seconds); opens no file.
 */
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { DAY_S = 86400 };

static time_t jump_at;

__attribute__((constructor)) static void read_environment(void)
{
	const char *text = getenv("CLOCK_JUMP_AT");

	jump_at = text ? (time_t)strtoll(text, NULL, 10) : 0;
}

static time_t jump(void)
{
	struct timespec now;

	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
	return jump_at && now.tv_sec >= jump_at ? DAY_S : 0;
}

int clock_gettime(clockid_t id, struct timespec *t)
{
	int rc = (int)syscall(SYS_clock_gettime, id, t);

	if (rc == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		t->tv_sec += jump();
	return rc;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
	int rc = (int)syscall(SYS_gettimeofday, t, zone);

	if (rc == 0 && t)
		t->tv_sec += jump();
	return rc;
}

time_t time(time_t *t)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (t)
		*t = now.tv_sec;
	return now.tv_sec;
}
