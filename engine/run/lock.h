/* SPDX-License-Identifier: MIT */
/*
 * lock: one migration of a guest at a time on this host.
 *
 * The lock is a file of the run root (state_dir.h), named after the guest's key
 * and locked (lockfile.h): it is free as soon as its holder has ended. Its text
 * says who holds it.
 *
 * Keys of earlier versions were the same for guests of all users that had one
 * UUID. An earlier version that still runs is noticed: it holds the lock of
 * such a key, whose text names no user.
 */
#ifndef ENGINE_RUN_LOCK_H
#define ENGINE_RUN_LOCK_H

#include <stdbool.h>

#include "engine/state/unfinished.h"
#include "transport/base/err.h"
#include "transport/base/strv.h"

struct run;

/*
 * ERR_BUSY when the guest's lock is held by another; ERR_REFUSED, without it,
 * when an earlier run of the guest has to be recovered first, unless this is a
 * recovery.
 */
int lock_take(struct run *r, struct err *err);
/* Removes the lock and gives it back; does nothing without one. */
int lock_release(struct run *r, struct err *err);
/* unfinished_look() for the guest and the destination of @r. */
enum unfinished lock_look_unfinished(const struct run *r, struct strv *rests,
				     struct err *err);
/*
 * Whether some process holds the lock of @r's guest, whose key is @key, on this
 * host.
 */
bool lock_is_held(const struct run *r, const char *key);
/* Whether a living engine drives this very run: it has the guest's lock. */
bool lock_is_driven(const struct run *r);

#endif
