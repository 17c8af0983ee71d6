/* SPDX-License-Identifier: MIT */
/*
 * tunnel_fd: a tunnel whose far end is a connected descriptor of this machine:
 * a UNIX socket or a command of the local host, what a child ssh(1) forwards,
 * or a TCP connection. An endpoint without SSH, a relay, carries the bytes.
 */
#ifndef TRANSPORT_TUNNEL_FD_H
#define TRANSPORT_TUNNEL_FD_H

#include "transport/tunnel.h"

/*
 * What carries the bytes on, when the descriptor is not the far end itself.
 *
 * @check: -1 with ERR_NETWORK when it is broken. Never waits. NULL: it ends
 * with its descriptor.
 * @release: ends and frees it.
 */
struct tunnel_fd_carrier {
	int (*check)(void *carrier, struct err *err);
	void (*release)(void *carrier);
};

/*
 * Owns @fd (a connected socket) and @carrier from here on, also on failure.
 * @ops NULL: there is no carrier.
 */
struct tunnel *tunnel_fd_new(const char *host, int fd,
			     const struct tunnel_fd_carrier *ops, void *carrier,
			     struct mono deadline, struct err *err);

#endif
