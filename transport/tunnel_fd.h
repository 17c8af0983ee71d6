/* SPDX-License-Identifier: MIT */
/*
 * tunnel_fd: a tunnel whose far end is a connected descriptor of this machine:
 * a UNIX socket or a command of the local host, or what a child ssh(1)
 * forwards.
 */
#ifndef TRANSPORT_TUNNEL_FD_H
#define TRANSPORT_TUNNEL_FD_H

#include "transport/tunnel.h"

/*
 * What carries the bytes on, when the descriptor is not the far end itself.
 * Both are called from the tunnel's thread, or from tunnel_free() when it was
 * never started.
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
 * Owns @fd (a connected socket) and @carrier from here on. @ops NULL: there is
 * no carrier.
 */
struct tunnel *tunnel_fd_new(const char *host, int fd,
			     const struct tunnel_fd_carrier *ops,
			     void *carrier);

#endif
