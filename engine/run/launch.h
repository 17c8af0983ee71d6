/* SPDX-License-Identifier: MIT */
/*
 * launch: the destination's QEMU, from its directories to its monitors, and
 * back to nothing.
 */
#ifndef ENGINE_RUN_LAUNCH_H
#define ENGINE_RUN_LAUNCH_H

#include "transport/base/err.h"

struct run;

/*
 * A stage: has the destination admit the guest, makes its directories, starts
 * QEMU and opens its monitors. Waits in the queue if the run may.
 */
int launch_run(struct run *r, struct err *err);
/* That it waits for a migration, with the disks that the source has. */
int launch_observe(struct run *r, struct err *err);
/* Its undo; does nothing where nothing was made. */
int launch_undo(struct run *r, struct err *err);
/* What launch_undo() has yet to remove, by name; to be freed. */
char *launch_rest(const struct run *r);
/* Ends the login there that an earlier connection may have left. */
int launch_end_old_session(struct run *r, struct err *err);
/* The destination QEMU's stderr so far, for a failure's cause; or NULL. */
char *launch_stderr(struct run *r);

#endif
