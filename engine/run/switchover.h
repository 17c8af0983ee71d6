/* SPDX-License-Identifier: MIT */
/*
 * switchover: from pre-switchover to the guest running on the destination.
 */
#ifndef ENGINE_RUN_SWITCHOVER_H
#define ENGINE_RUN_SWITCHOVER_H

#include <stdbool.h>

#include "transport/base/err.h"

struct run;

/* A stage: has QEMU copy the rest, until both sides are stopped. */
int switchover_run(struct run *r, struct err *err);
/* A stage: writes COMMIT, after which there is no way back. */
int switchover_commit(struct run *r, struct err *err);
/*
 * A stage: starts the guest on the destination. When that was refused and its
 * QEMU is gone, the run is not committed any more.
 */
int switchover_resume(struct run *r, struct err *err);
/*
 * A fresh session with the destination's monitor, over a fresh connection if
 * that is what it takes.
 */
int switchover_reopen(struct run *r, struct err *err);
/* True when the destination's QEMU is proved gone. */
bool switchover_destination_gone(struct run *r);

#endif
