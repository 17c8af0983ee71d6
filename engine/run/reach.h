/* SPDX-License-Identifier: MIT */
/*
 * reach: finds the guest and its name, and logs in to the destination, once or
 * again.
 */
#ifndef ENGINE_RUN_REACH_H
#define ENGINE_RUN_REACH_H

#include <sys/types.h>

#include "engine/hosts/as_user.h"
#include "transport/base/err.h"

struct host;
struct run;
struct run_side;

/*
 * Finds the guest and asks this host what it is like; may be called again, and
 * forgets what it found before.
 */
int reach_find(struct run *r, struct err *err);
/* Names the guest in locks and directories, from what is known; to be freed. */
char *reach_guest_key(const struct run *r);
/*
 * With whose rights a login of uid @login acts for the guest: sets and returns
 * @out, which borrows, or NULL for the login's own.
 */
const struct as_user *reach_guest_user(const struct run *r, uid_t login,
				       struct as_user *out);
/* Logs in to the destination, unless that was done already. */
int reach_destination(struct run *r, struct err *err);
/*
 * For a recovery: takes @open, a connection to the destination, or with NULL
 * logs in, and asks the host what it is like.
 */
int reach_restore(struct run *r, struct host *open, struct err *err);
/* Closes the connection to a host that is not the destination. */
void reach_leave(struct run *r);
/* Makes sure of a working connection to the destination: one fresh try. */
int reach_reconnect(struct run *r, struct err *err);
/* With their events; what was closed before stays so. */
void reach_close_monitors(struct run_side *s);

#endif
