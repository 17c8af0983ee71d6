/* SPDX-License-Identifier: MIT */
/*
 * prepare: the migration settings of both QEMUs, set before it starts and put
 * back afterwards.
 */
#ifndef ENGINE_RUN_PREPARE_H
#define ENGINE_RUN_PREPARE_H

#include "transport/base/err.h"

struct run;

/* Reads the settings of the source's QEMU, for putting back. */
int prepare_read_source(struct run *r, struct err *err);
/* From now on they are other ones, and the undo puts them back. */
void prepare_touch_source(struct run *r);
/* A stage: capabilities and parameters, after what they were is recorded. */
int prepare_run(struct run *r, struct err *err);
/* Its undo, on the source; the destination's QEMU ends anyway. */
int prepare_undo(struct run *r, struct err *err);
/* Gives the destination's QEMU the settings back that it started with. */
int prepare_reset_destination(struct run *r, struct err *err);
/* Makes the guest lose @share (0 … 0.99) of its time from the next sync on. */
int prepare_throttle(struct run *r, double share, struct err *err);

#endif
