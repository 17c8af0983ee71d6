/* SPDX-License-Identifier: MIT */
/*
 * stream: a two-way run of bytes for the control plane.
 *
 * One interface over a UNIX socket, a child's pipes and an SSH channel. Only
 * tasks may call it; a call parks its task and nothing else. One task may read
 * while another writes; two readers or two writers may not meet.
 */
#ifndef TRANSPORT_STREAM_H
#define TRANSPORT_STREAM_H

#include <stddef.h>
#include <sys/types.h>

#include "transport/base/clock.h"
#include "transport/base/err.h"

struct stream;

/*
 * Reads 1 to @len bytes. Returns their number, 0 at the end of the stream,
 * -1 on failure (ERR_TIMEOUT, ERR_CANCELLED, ERR_SYSTEM, ERR_NETWORK).
 */
ssize_t stream_read(struct stream *s, void *data, size_t len,
		    struct mono deadline, struct err *err);
/* Writes all of it or fails; after a failure the stream is of no more use. */
int stream_write(struct stream *s, const void *data, size_t len,
		 struct mono deadline, struct err *err);
/*
 * Writes all of it and hands @fd over with the first byte (SCM_RIGHTS). Only
 * for UNIX sockets of this machine; elsewhere fails with ERR_SYSTEM. The
 * caller keeps its own copy of @fd.
 */
int stream_write_fd(struct stream *s, const void *data, size_t len, int fd,
		    struct mono deadline, struct err *err);
/* The process at the other end of a local UNIX socket, or -1. */
pid_t stream_peer_pid(const struct stream *s);
/* Closes and frees; never waits. NULL is fine. */
void stream_close(struct stream *s);

/* --- for those who make streams ------------------------------------------ */

struct stream_ops {
	ssize_t (*read)(struct stream *s, void *data, size_t len,
			struct mono deadline, struct err *err);
	/* Writes some bytes, at least one. */
	ssize_t (*write)(struct stream *s, const void *data, size_t len,
			 struct mono deadline, struct err *err);
	void (*close)(struct stream *s);	  /* frees as well */
	int (*socket_fd)(const struct stream *s); /* NULL: not a socket */
};

/* First member of each kind of stream. */
struct stream {
	const struct stream_ops *ops;
};

#endif
