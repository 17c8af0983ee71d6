/* SPDX-License-Identifier: MIT */
/*
 * reach: finds the guest and its name, and logs in to the destination, once or
 * again.
 */
#ifndef ENGINE_RUN_REACH_H
#define ENGINE_RUN_REACH_H

#include <stdbool.h>
#include <sys/types.h>

#include "engine/hosts/as_user.h"
#include "transport/base/clock.h"
#include "transport/base/err.h"

struct host;
struct run;
struct run_side;

/*
 * Finds the guest and asks this host what it is like; may be called again, and
 * forgets what it found before.
 */
int reach_find(struct run *r, struct err *err);
/*
 * Names the guest in locks and directories, from what is known; to be freed. It
 * differs for guests of two users (guest_id.h).
 */
char *reach_guest_key(const struct run *r);
/*
 * With whose rights a login of uid @login acts for the guest: sets and returns
 * @out, which borrows, or NULL for the login's own.
 */
const struct as_user *reach_guest_user(const struct run *r, uid_t login,
				       struct as_user *out);
/*
 * Logs in to the destination, unless that was done already. While the guest is
 * looked for (r->finding), nobody is asked for a password: it may be in vain.
 */
int reach_destination(struct run *r, struct err *err);
/*
 * Adds the check "become", which failed by @err, an ERR_BECOME: the login was
 * there, and no other check could be made.
 */
void reach_report_become(struct run *r, const struct err *err);
/* The guest was found, or was not and may be looked for again. */
void reach_source_settled(struct run *r);
/*
 * Whether another process, which nobody can be asked for, could log in as this
 * one did. -1: it could not, and @err says why.
 */
int reach_try_alone(struct run *r, struct err *err);
/*
 * ERR_BUSY when a run that has not finished brings the guest to this host. To
 * be asked of one that does not run: one that does was committed by its run.
 */
int reach_refuse_arriving(struct run *r, struct err *err);
/*
 * For a recovery: takes @open, a connection to the destination, or with NULL
 * logs in, and asks the host what it is like. Another machine than that of
 * @r->dest, or another PID namespace of it, is left at once.
 */
int reach_restore(struct run *r, struct host *open, struct err *err);
/*
 * Makes sure of a working connection to the destination: one fresh try, to the
 * machine of @r->dest only.
 */
int reach_reconnect(struct run *r, struct err *err);
/*
 * discover_alive() for QEMU on either side: 1 it runs, 0 it is proved gone, -1
 * unknown, also on another machine or in another PID namespace.
 */
int reach_source_alive(struct run *r, struct mono deadline, struct err *err);
int reach_destination_alive(struct run *r, struct mono deadline,
			    struct err *err);
/*
 * Before BEGIN: where the machine ids of both sides do not suffice, ids of our
 * own are made and take their place. A host on which that fails is not known
 * again after a reboot: a warning.
 */
void reach_identify(struct run *r);
/* Whether the host, which answers, was started anew since BEGIN. */
bool reach_source_rebooted(const struct run *r);
bool reach_destination_rebooted(const struct run *r);
/* With their events; what was closed before stays so. */
void reach_close_monitors(struct run_side *s);

#endif
