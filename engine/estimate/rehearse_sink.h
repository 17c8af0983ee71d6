/* SPDX-License-Identifier: MIT */
/*
 * rehearse_sink: where a rehearsal's stream ends: read as much as one wants,
 * when one wants, and thrown away.
 */
#ifndef ENGINE_ESTIMATE_REHEARSE_SINK_H
#define ENGINE_ESTIMATE_REHEARSE_SINK_H

#include <stdint.h>

#include "transport/base/clock.h"
#include "transport/base/err.h"

/*
 * What the socket holds once it is SINK_NARROW: the kernel's least buffer takes
 * two pieces of up to SINK_STEP_BYTES. No more than a step is then free when a
 * step is left unread.
 */
enum { SINK_STEP_BYTES = 2240, SINK_NARROW = 4608, SINK_WIDE = 64 * 1024 };

/* Start at { -1, -1 }. */
struct rehearse_sink {
	int ours;
	int theirs; /* QEMU's end, kept for its buffer's size */
	char *room;
	uint64_t bytes; /* read so far */
};

int rehearse_sink_open(struct rehearse_sink *s, struct err *err);
/* QEMU's writes fail from here on. */
void rehearse_sink_close(struct rehearse_sink *s);
/* SINK_NARROW or SINK_WIDE. */
void rehearse_sink_width(struct rehearse_sink *s, int bytes);

/*
 * Reads until @bytes are through, @deadline has passed, or nothing came for
 * some ms. Fewer is no error. -1: cancelled, or QEMU closed its end.
 */
int rehearse_sink_read(struct rehearse_sink *s, uint64_t bytes,
		       struct mono deadline, struct err *err);
/*
 * Reads no more than a step and leaves a step, so that next to nothing can be
 * written before the next look; from a writer that has less to say, what it
 * said, after a wait. Only while narrow.
 */
int rehearse_sink_step(struct rehearse_sink *s, struct err *err);

#endif
