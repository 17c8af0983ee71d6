/* SPDX-License-Identifier: MIT */
/*
 * run_events: what both monitors report while a run goes on, and whether the
 * source is still there.
 */
#ifndef ENGINE_RUN_RUN_EVENTS_H
#define ENGINE_RUN_RUN_EVENTS_H

#include <stdbool.h>

#include "transport/base/err.h"

struct qmp_status;
struct run;

/*
 * Drains the events of both monitors into the run (STOP, RESUME, states of the
 * migration). True when there was any. A wait for r->wake must follow at once:
 * events that come while something else is waited for wake nobody.
 */
bool run_events_take(struct run *r);
/*
 * Waits until either monitor has reported something, at most @ms. 0, or -1 when
 * the migration is cancelled.
 */
int run_events_await(struct run *r, int ms, struct err *err);
/* -1 with ERR_ENDED when the guest shut down or crashed on the source. */
int run_events_guest_alive(struct run *r, struct err *err);
/* The source's QEMU says that its guest has shut down. */
void run_events_source_ended(struct run *r);
/* Somebody has paused the guest, which is to stay so: @st. */
void run_events_source_paused(struct run *r, const struct qmp_status *st);
/*
 * Records what the guest's user wants by now, where that is no longer what the
 * journal says: before anything is done that recovery would go by it for. -1
 * when it cannot be recorded.
 */
int run_events_note_wish(struct run *r, struct err *err);
/*
 * True when the source's QEMU is proved gone. Waits a little for one whose
 * guest has just shut down.
 */
bool run_events_source_gone(struct run *r);

#endif
