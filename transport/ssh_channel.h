/* SPDX-License-Identifier: MIT */
/*
 * ssh_channel: one channel of an SSH session: a command, or a connection to a
 * UNIX socket of the far host.
 */
#ifndef TRANSPORT_SSH_CHANNEL_H
#define TRANSPORT_SSH_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>

#include "transport/base/clock.h"
#include "transport/base/err.h"
#include "transport/ssh_session.h"
#include "transport/stream.h"

struct ssh_channel;

/* Longest command line that fits a packet of libssh2. */
enum { SSH_COMMAND_MAX = 32000 };

/*
 * Starts @command in the login shell of the far user. ERR_REMOTE when the host
 * refuses.
 */
struct ssh_channel *ssh_channel_exec(struct ssh_session *s, const char *command,
				     struct mono deadline, struct err *err);
/*
 * A command's bare channel, for a thread that takes the session over. What it
 * says on stderr is dropped.
 */
LIBSSH2_CHANNEL *ssh_channel_exec_raw(struct ssh_session *s,
				      const char *command, struct mono deadline,
				      struct err *err);
/* Connects to the UNIX socket @path on the host. */
struct ssh_channel *ssh_channel_unix(struct ssh_session *s, const char *path,
				     struct mono deadline, struct err *err);
/* The same, as the bare channel, for a thread that takes the session over. */
LIBSSH2_CHANNEL *ssh_channel_unix_raw(struct ssh_session *s, const char *path,
				      struct mono deadline, struct err *err);

/*
 * What can be done now: bytes moved, 0 when nothing moves, -1 with @err. They
 * never wait. @eof is set once both streams ended and were read to their end.
 */
long ssh_channel_read(struct ssh_channel *c, bool from_stderr, void *data,
		      size_t len, bool *eof, struct err *err);
long ssh_channel_write(struct ssh_channel *c, const void *data, size_t len,
		       struct err *err);
/* No more will be written. 1 when it has to be repeated. */
int ssh_channel_send_eof(struct ssh_channel *c, struct err *err);
/* True once the far side has closed it, everything was read or not. */
bool ssh_channel_closed(struct ssh_channel *c);
/* Of a closed exec channel: exit code, or 128 + the signal. */
int ssh_channel_status(struct ssh_channel *c);
/* Closes in the background and frees; NULL is fine. */
void ssh_channel_close(struct ssh_channel *c);

/* A stream that owns @c. */
struct stream *ssh_channel_stream(struct ssh_channel *c);

#endif
