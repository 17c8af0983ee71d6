/* SPDX-License-Identifier: MIT */
/*
 * host: a machine that we act on, near or far, by one interface.
 *
 * Three back ends: this machine (host_local), another one through libssh2
 * (host_ssh), another one through a child ssh(1) (host_openssh). The caller
 * can distinguish them by speed only. All calls are for tasks only and have
 * deadlines; none blocks the loop.
 *
 *   engine ── host ──┬── local:   posix_spawn, UNIX sockets
 *                    ├── ssh:     one endpoint (libssh2): exec,
 *                    │            direct-streamlocal channels
 *                    └── openssh: ssh -M once, then ssh -S … COMMAND
 *
 * Small files are written by a script of host_run(), which carries them on its
 * standard input.
 *
 * A login costs a session: one for control (host_open_*), one more for each
 * tunnel (tunnel.h). Commands run in a shell that stays (host_shells.h).
 */
#ifndef TRANSPORT_HOST_H
#define TRANSPORT_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "transport/base/buf.h"
#include "transport/base/clock.h"
#include "transport/base/err.h"
#include "transport/stream.h"
#include "transport/tunnel.h"

struct host;
struct host_become;

struct host_command {
	const char *const *argv; /* NULL-terminated; quoted by us if needed */
	const void *input;	 /* its stdin; NULL: empty */
	size_t input_len;
	size_t max_output; /* bytes of each of stdout, stderr; 0: 1 MiB */
	struct mono deadline;
};

/* A zeroed struct to begin with; host_result_free() afterwards. */
struct host_result {
	int status; /* exit code, or 128 + signal */
	struct buf out;
	struct buf err;
};
void host_result_free(struct host_result *r);

/*
 * As the user wrote it, for messages ("hostb", "root@hostb:2222", "local").
 * Borrowed.
 */
const char *host_name(const struct host *h);
bool host_is_local(const struct host *h);
/* "local", "ssh" or "openssh". */
const char *host_backend(const struct host *h);
/*
 * True when commands (host_run) are root's there, and connections and tunnels
 * those of the user *@login who logged in. @login may be NULL.
 */
bool host_becomes(const struct host *h, uid_t *login);
/*
 * What sudo took there for a password, for further hosts of the same target;
 * NULL: it asked for none. Borrowed, until host_close(). A secret.
 */
const char *host_sudo_password(const struct host *h);

/*
 * Runs a command to its end. Returns 0 whenever it ran, whatever its status.
 * -1: ERR_NETWORK, ERR_TIMEOUT (the remote command may still run), ERR_REMOTE
 * (too much output, or it could not be started), ERR_CANCELLED, ERR_AUTH (the
 * login runs no commands), ERR_BECOME (a further shell did not become root).
 */
int host_run(struct host *h, const struct host_command *cmd,
	     struct host_result *result, struct err *err);

/* Connects to a UNIX socket on the host (for QMP). */
struct stream *host_connect(struct host *h, const char *path,
			    struct mono deadline, struct err *err);

/*
 * Opens a tunnel's far end: a session of its own, logged in with what already
 * worked for this host, and a connection to the UNIX socket @path. Moves no
 * byte yet.
 */
struct tunnel *host_tunnel(struct host *h, const char *path,
			   struct mono deadline, struct err *err);
/*
 * The same, but the far end is stdin and stdout of a command; what it says on
 * stderr is dropped. It lives until the tunnel's end and no longer than it
 * takes to notice that. A command that is not there ends the tunnel at once,
 * or is ERR_REMOTE here.
 */
struct tunnel *host_tunnel_command(struct host *h, const char *const *argv,
				   struct mono deadline, struct err *err);

/*
 * The host's own heartbeat: 0 while it is known to answer; -1 with ERR_NETWORK
 * once nothing was heard for @silence_ms although we asked. Never waits.
 */
int host_alive(struct host *h, int silence_ms, struct err *err);
/*
 * A round trip to the host, now: 0, or -1 when no answer came by @deadline.
 */
int host_ping(struct host *h, struct mono deadline, struct err *err);

/* Closes and frees; NULL is fine. Tunnels of the host must be gone. */
void host_close(struct host *h);

/* --- for those who make hosts -------------------------------------------- */

struct host_ops {
	const char *backend;
	int (*run)(struct host *h, const struct host_command *cmd,
		   struct host_result *result, struct err *err);
	struct stream *(*connect)(struct host *h, const char *path,
				  struct mono deadline, struct err *err);
	struct tunnel *(*tunnel)(struct host *h, const char *path,
				 struct mono deadline, struct err *err);
	struct tunnel *(*tunnel_command)(struct host *h,
					 const char *const *argv,
					 struct mono deadline, struct err *err);
	int (*alive)(struct host *h, int silence_ms, struct err *err);
	int (*ping)(struct host *h, struct mono deadline, struct err *err);
	void (*close)(struct host *h);
};

/* First member of each kind of host. */
struct host {
	const struct host_ops *ops;
	char *name;
	uid_t login; /* of one who becomes root; 0: nobody does */
	const struct host_become *become; /* NULL: none was asked for */
};

#endif
