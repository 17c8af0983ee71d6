/* SPDX-License-Identifier: MIT */
/*
 * openssh: one login by a child ssh(1), and what can be done over it.
 *
 * Theory of operation. The child is a connection-sharing master. Its own
 * session runs `cat` on the host, with one end of a socket of ours as its
 * input and output: a byte that comes back is a heartbeat, and when we are
 * gone, however suddenly, cat reads the end of its input, the session ends,
 * and the master with it. Commands and forwards go through further ssh
 * processes that talk to the master's control socket, which lies in a fresh
 * 0700 directory.
 *
 *   us ──socketpair── ssh -M ──TCP── sshd ── cat
 *    └─ ssh -S ctl COMMAND ─┘ ctl       └── COMMAND
 *    └─ dir/f1 (-O forward) ┘           └── UNIX socket
 */
#ifndef TRANSPORT_OPENSSH_H
#define TRANSPORT_OPENSSH_H

#include <stdbool.h>
#include <stddef.h>

#include "transport/base/clock.h"
#include "transport/base/err.h"
#include "transport/base/strv.h"
#include "transport/host.h"

struct child;
struct host_options;
struct openssh;

/*
 * Where and how to log in. @options are words for ssh(1) put before the
 * @destination; @name is the host's for messages. @ask: ssh may ask a person,
 * on its terminal; it then stays in our session, deaf to the keyboard's
 * signals.
 */
struct openssh_login {
	const struct strv *options;
	const char *destination;
	const char *name;
	bool ask;
};

/* Errors as of host_openssh_open(). */
struct openssh *openssh_new(const struct openssh_login *login,
			    struct mono deadline, struct err *err);
/* Ends the child and removes its directory; also out of tasks. NULL is fine. */
void openssh_free(struct openssh *o);

/* As host_shells_become(); before the first openssh_run(). */
int openssh_become(struct openssh *o, const struct host_options *opt,
		   struct host *host, struct mono deadline, struct err *err);
/* As host_run(). */
int openssh_run(struct openssh *o, const struct host_command *cmd,
		struct host_result *result, struct err *err);
/*
 * A connected descriptor that ends at the UNIX socket @path of the host. ssh
 * connects here before it asks there; an end that comes at once is taken for
 * a refusal (ERR_REMOTE).
 */
int openssh_connect(struct openssh *o, const char *path, struct mono deadline,
		    struct err *err);

/*
 * A connected descriptor that ends at stdin and stdout of a command on the
 * host, once a shell on the host is about to become it. *client, ssh(1) of this
 * machine, is the caller's to free after the descriptor.
 */
int openssh_command(struct openssh *o, const char *const *argv,
		    struct child **client, struct mono deadline,
		    struct err *err);

/* As host_ping() and host_alive(). */
int openssh_ping(struct openssh *o, struct mono deadline, struct err *err);
int openssh_alive(struct openssh *o, int silence_ms, struct err *err);

/*
 * -1 with ERR_NETWORK and ssh's words when the child has ended. Never waits;
 * also out of tasks.
 */
int openssh_check(struct openssh *o, struct err *err);
/* Readable once the child has ended. Borrowed. */
int openssh_end_fd(const struct openssh *o);

#endif
