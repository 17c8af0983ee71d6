/* SPDX-License-Identifier: MIT */
/*
 * queue: a run that waits for its turn. Private to the engine.
 *
 * Theory of operation. With --wait a run first takes a ticket (ticket.h) and
 * waits as one that knows only its guest's command line: no monitor is opened
 * and, until its turn comes on this host, no connection either. Then it logs
 * in and asks whether the destination has room (admit.h). When not, it gives
 * its place on this host up and asks again from time to time over the session
 * that it has: those behind it for the same destination have none, so there
 * are never more such sessions than runs may go at once. What was reported may
 * be old when it gets to launch; there it is decided for good, and who comes
 * too late waits there.
 */
#ifndef ENGINE_RUN_QUEUE_H
#define ENGINE_RUN_QUEUE_H

#include "engine/hosts/admit.h"
#include "engine/run/run.h"

/* A stage: takes a ticket and waits for its turn, if the run may wait. */
int queue_run(struct run *r, struct err *err);
/* Whether QEMU will be a unit of its own, in no cgroup of our login. */
bool queue_leaves_session(const struct run *r);
/* Looks at the destination, changes nothing; the run's key must be known. */
int queue_ask(struct run *r, struct admit_view *v, struct err *err);
/*
 * What its RAM takes of the memory that is available there, with what QEMU
 * itself needs: huge pages are not counted among it. 0: not known.
 */
uint64_t queue_ram_bytes(const struct run *r);
/* What this run's guest asks of the destination, as far as is known now. */
struct admit_wish queue_wish(const struct run *r);
/* Fills @err with why the destination does not take the guest; -1. */
int queue_refuse(const struct run *r, const struct admit_view *v,
		 const struct admit_wish *wish, enum admit answer,
		 struct err *err);
/*
 * After the launch was turned away: reports why, waits a moment. 0: try again;
 * -1: cancelled, or the guest has ended.
 */
int queue_hold(struct run *r, const struct admit_view *v,
	       const struct admit_wish *wish, enum admit answer,
	       struct err *err);
/* Gives its place to the next; does nothing when it has none. */
void queue_leave(struct run *r);

#endif
