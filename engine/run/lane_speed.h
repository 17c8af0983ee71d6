/* SPDX-License-Identifier: MIT */
/*
 * lane_speed: which of two ways to a host is the faster one.
 *
 * Theory of operation. Each way gets a tunnel whose far end is a command that
 * reads so many bytes and then answers one, again and again. A share of bytes
 * counts from the first one that is sent until that answer, so that none of
 * them is in a buffer on the way. After a small share each, for buffers and a
 * young connection, the two take turns, and the best share of each counts. It
 * all takes less than LANE_SPEED_MS, logins included; a link that is too slow
 * for that does not show what a cipher costs.
 */
#ifndef ENGINE_RUN_LANE_SPEED_H
#define ENGINE_RUN_LANE_SPEED_H

#include <stdbool.h>

#include "transport/base/err.h"

struct host;
struct lane_speed;

enum { LANE_SPEED_MS = 1000 };
/* So much faster is clearly faster. */
#define LANE_SPEED_CLEARLY 1.25

struct lane_speed_found {
	bool known;
	double usual_bps, other_bps; /* bytes a second, if known */
	char *why_not;		     /* if not; to be freed */
};

/* Begins a task that compares @usual with @other; both must outlive it. */
struct lane_speed *lane_speed_begin(struct host *usual, struct host *other);
/* Waits for its end; frees it. -1 only with ERR_CANCELLED. */
int lane_speed_end(struct lane_speed *s, struct lane_speed_found *out,
		   struct err *err);
/* Breaks it off and frees it. NULL is fine. */
void lane_speed_free(struct lane_speed *s);

/* Pure: whether the other way is to be taken. */
bool lane_speed_is_clear(const struct lane_speed_found *f);

#endif
