/* SPDX-License-Identifier: MIT */
/*
 * pulse: whether the destination's QEMU answers, asked over and over while the
 * memory is copied.
 *
 * Theory of operation. Before the switchover the destination must be known to
 * live, or the guest would be stopped for nothing. Asked only then, it would
 * cost a round trip with the guest stopped. So it is asked all the time: an
 * answer counts from when its question was sent, and is fresh for
 * PULSE_FRESH_MS. Where none is (a long way, a QEMU that is busy or hangs), the
 * switchover waits for the next one.
 */
#ifndef ENGINE_RUN_PULSE_H
#define ENGINE_RUN_PULSE_H

#include <stdbool.h>

#include "qmp/qmp_status.h"

enum {
	PULSE_MS = 250,	       /* from an answer to the next question */
	PULSE_FRESH_MS = 1000, /* what an answer says holds so long */
};

struct run;
struct pulse;

/* Asks the destination's monitor from now on. In a task. */
void pulse_begin(struct run *r);
/* True, and what it said, when there is a fresh answer. */
bool pulse_is_fresh(const struct run *r, struct qmp_status *st);
/* Whether anything is asked: not once the monitor has failed. */
bool pulse_asks(const struct run *r);
/*
 * Waits for an answer to the question that is under way, or to one that is
 * asked at once, or for the end of the pulse. Not without one.
 */
int pulse_await(struct run *r, struct mono deadline, struct err *err);
/* Before its monitor is closed; also where none was begun. */
void pulse_end(struct run *r);

#endif
