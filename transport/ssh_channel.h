/* SPDX-License-Identifier: MIT */
/*
 * ssh_channel: one channel of an SSH session: a command, or a connection to a
 * UNIX socket of the host. Its bytes come and go through descriptors that are
 * attached to it; they pass through the session's endpoint only.
 */
#ifndef TRANSPORT_SSH_CHANNEL_H
#define TRANSPORT_SSH_CHANNEL_H

#include <stddef.h>

#include "transport/base/clock.h"
#include "transport/base/err.h"
#include "transport/ssh_session.h"
#include "transport/stream.h"

struct ssh_channel;

/* Longest command line that fits a packet of libssh2. */
enum { SSH_COMMAND_MAX = 32000 };

/*
 * Starts @command in the login shell of the host's user. ERR_REMOTE when the
 * host refuses.
 */
struct ssh_channel *ssh_channel_exec(struct ssh_session *s, const char *command,
				     struct mono deadline, struct err *err);
/* Connects to the UNIX socket @path on the host. */
struct ssh_channel *ssh_channel_unix(struct ssh_session *s, const char *path,
				     struct mono deadline, struct err *err);
/* Closes in the background and frees; never waits. NULL is fine. */
void ssh_channel_close(struct ssh_channel *c);

/*
 * Hands over copies of one socket for both ways (stderr of a command is
 * dropped), or of three for stdin, stdout, stderr. Bytes flow from here on.
 */
int ssh_channel_attach(struct ssh_channel *c, const int *fds, size_t n,
		       struct mono deadline, struct err *err);
/*
 * Waits for the end of a command whose outputs are read by others. *status:
 * exit code, or 128 + the signal.
 */
int ssh_channel_await_end(struct ssh_channel *c, struct mono deadline,
			  int *status, struct err *err);

/* What its endpoint says of it. Borrowed. */
struct endpoint_subject *ssh_channel_subject(struct ssh_channel *c);

/* A stream that owns @c, which is freed on failure, too. */
struct stream *ssh_channel_stream(struct ssh_channel *c, struct mono deadline,
				  struct err *err);

#endif
