/* SPDX-License-Identifier: MIT */
/*
 * sftp: whole files to and from another host, by SFTP version 3 over a stream
 * (draft-ietf-secsh-filexfer-02).
 *
 * Our own and not libssh2's: it keeps the server's words, can be given up at
 * any time by closing the stream, and works over a child ssh(1) as well.
 */
#ifndef TRANSPORT_SFTP_H
#define TRANSPORT_SFTP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "transport/base/buf.h"
#include "transport/base/clock.h"
#include "transport/base/err.h"
#include "transport/stream.h"

struct sftp;

/* Shakes hands over @stream, which it owns from here on. */
struct sftp *sftp_new(struct stream *stream, struct mono deadline,
		      struct err *err);
void sftp_free(struct sftp *s);
/* After a failed read, write or answer nothing more can be asked. */
bool sftp_broken(const struct sftp *s);

/*
 * Creates @path (never an existing one) and writes @len bytes. *created tells
 * whether there is something to remove after a failure.
 */
int sftp_put(struct sftp *s, const char *path, mode_t mode, const void *data,
	     size_t len, bool *created, struct mono deadline, struct err *err);
/* Appends the whole of @path to @out; ERR_REMOTE past @max bytes. */
int sftp_get(struct sftp *s, const char *path, struct buf *out, size_t max,
	     struct mono deadline, struct err *err);
int sftp_remove(struct sftp *s, const char *path, struct mono deadline,
		struct err *err);

#endif
