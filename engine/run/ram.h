/* SPDX-License-Identifier: MIT */
/*
 * ram: the tunnel, and the start of QEMU's migration; each with its undo.
 */
#ifndef ENGINE_RUN_RAM_H
#define ENGINE_RUN_RAM_H

#include "transport/base/err.h"

struct run;

/* A stage, and its undo: the tunnel, handed to the source's QEMU. */
int ram_open_tunnel(struct run *r, struct err *err);
int ram_close_tunnel(struct run *r, struct err *err);
/* Has the source migrate to @uri; `migrating` unless that was refused. */
int ram_migrate(struct run *r, const char *uri, struct err *err);
/* A stage: starts the migration, and the clock of its deadline. */
int ram_start(struct run *r, struct err *err);
/* That it got out of `setup`. */
int ram_started(struct run *r, struct err *err);
/* Its undo: ends the migration and sees the guest run on. */
int ram_undo(struct run *r, struct err *err);

#endif
