/* SPDX-License-Identifier: MIT */
/*
 * stream_fd: streams over descriptors of this machine.
 */
#ifndef TRANSPORT_STREAM_FD_H
#define TRANSPORT_STREAM_FD_H

#include "transport/stream.h"

/*
 * A stream over @read_fd and @write_fd (the same one for a socket), which it
 * owns from here on, makes non-blocking and closes. write_fd -1: read only.
 */
struct stream *stream_fd_new(int read_fd, int write_fd);

/*
 * Connects to a UNIX socket of this machine, whatever the length of its path.
 * ERR_SYSTEM keeps errno's words; ERR_TIMEOUT when its queue stays full.
 */
struct stream *stream_fd_connect_unix(const char *path, struct mono deadline,
				      struct err *err);
/* The same as a non-blocking descriptor, or -1. */
int stream_fd_dial_unix(const char *path, struct mono deadline,
			struct err *err);

/*
 * A TCP connection to @host:@port, each resolved address tried in turn until
 * @deadline. The resolver runs in a thread of its own, so that a slow name
 * server blocks nobody. Returns a non-blocking descriptor with TCP_NODELAY,
 * keepalive and TCP_USER_TIMEOUT set, or -1 (ERR_NETWORK, ERR_TIMEOUT).
 */
int stream_fd_dial_tcp(const char *host, const char *port, struct mono deadline,
		       struct err *err);
/* The numeric address at the other end of a TCP connection, to be freed. */
char *stream_fd_peer_address(int fd);

#endif
