/* SPDX-License-Identifier: MIT */
/*
 * lane: what carries the memory of a guest to its destination.
 *
 * Theory of operation. Commands, both monitors and the hand-over always take
 * the SSH login. The stream of the migration has a way of its own:
 *
 *	ssh	an endpoint more of the login's kind (host_tunnel)
 *	openssh	a child ssh(1), which has GCM ciphers that libssh2 may lack
 *	tcp	a plain connection to a port of the destination's QEMU
 *
 * Whichever it is, an endpoint or a relay is between QEMU and the way, so
 * that the stall timer, the counters and the cut at the hand-over are the same.
 * Nothing that is concluded rests on the lane: the destination is asked through
 * the login whether it has loaded everything.
 *
 * `auto` never takes tcp. It compares the two others by a short measurement
 * (lane_speed.h) while the destination's QEMU is started.
 */
#ifndef ENGINE_RUN_LANE_H
#define ENGINE_RUN_LANE_H

#include <stdbool.h>

#include "transport/base/err.h"

struct lane_speed;
struct lane_tcp;
struct run;
struct tunnel;

/* What was asked for. */
enum lane_choice { LANE_SSH, LANE_OPENSSH, LANE_TCP, LANE_AUTO };
/* "ssh", "openssh", "tcp", "auto". */
const char *lane_choice_name(enum lane_choice c);

/* Empty: the login's own way. */
struct lane {
	enum lane_choice way;	  /* that is taken; LANE_AUTO: not decided */
	struct host *openssh;	  /* a login by ssh(1), or NULL */
	struct lane_tcp *tcp;	  /* or NULL */
	char *refusal;		  /* why it cannot be had, or NULL */
	char *remedy;		  /* of that, or NULL */
	char *why;		  /* it was chosen; NULL: it was asked for */
	struct lane_speed *speed; /* a measurement under way, or NULL */
};

/*
 * Logs in, or asks for addresses, as what was asked for needs it. One that
 * cannot be had is no error: see `refusal`. -1 when the run itself cannot go
 * on (ERR_CANCELLED, or the login is lost).
 */
int lane_ask(struct run *r, struct err *err);
/* Whether this process may have to start ssh(1) after the checks. */
bool lane_starts_ssh(const struct run *r);
/* Begins the measurement that `auto` decides by, where it may pay. */
void lane_measure(struct run *r);

/* Makes the destination's QEMU wait for the migration; nothing for tcp. */
int lane_listen(struct run *r, struct err *err);
/*
 * Decides, where it is still to be decided, and opens the way. Moves no byte.
 * ERR_NETWORK when the destination cannot be reached by it.
 */
struct tunnel *lane_open(struct run *r, struct err *err);

/* Closes what this process holds; its tunnels must be gone. */
void lane_close(struct lane *l);

#endif
