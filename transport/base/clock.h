/* SPDX-License-Identifier: MIT */
/*
 * clock: monotonic and wall-clock time as two types that do not mix.
 *
 * Every deadline and duration is monotonic; the wall clock is for people and
 * for files.
 */
#ifndef TRANSPORT_BASE_CLOCK_H
#define TRANSPORT_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct mono {
	int64_t us; /* microseconds of CLOCK_MONOTONIC */
};
struct wall {
	int64_t us; /* microseconds since 1970, UTC */
};

#define MONO_NEVER ((struct mono){ INT64_MAX })

struct mono mono_now(void);
struct wall wall_now(void);

/* Saturates at MONO_NEVER. A negative @ms gives a moment in the past. */
struct mono mono_add_ms(struct mono t, int64_t ms);
/* @t, later by the time since @start. */
struct mono mono_add_since(struct mono t, struct mono start);
/* @ms from now. */
struct mono mono_in_ms(int64_t ms);

static inline bool mono_before(struct mono a, struct mono b)
{
	return a.us < b.us;
}
static inline struct mono mono_min(struct mono a, struct mono b)
{
	return a.us < b.us ? a : b;
}
static inline bool mono_is_never(struct mono t)
{
	return t.us == INT64_MAX;
}
/* a - b in milliseconds. */
static inline double mono_diff_ms(struct mono a, struct mono b)
{
	return (double)(a.us - b.us) / 1000.0;
}
/*
 * Milliseconds from @now to @deadline as poll(2) wants them: rounded up, 0
 * when it has passed, -1 for MONO_NEVER.
 */
int mono_poll_ms(struct mono now, struct mono deadline);

#endif
