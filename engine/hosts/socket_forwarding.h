/* SPDX-License-Identifier: MIT */
/*
 * socket_forwarding: whether the SSH server of a host connects to UNIX sockets
 * there, as the monitors and the memory of a guest need it.
 *
 * OpenSSH gives the same reason for "it is forbidden" and for "nobody listens",
 * and its configuration is not to be read by everybody. So something is started
 * there that does listen, and connected to.
 */
#ifndef ENGINE_HOSTS_SOCKET_FORWARDING_H
#define ENGINE_HOSTS_SOCKET_FORWARDING_H

#include "transport/base/clock.h"
#include "transport/base/err.h"
#include "transport/host.h"

enum socket_forwarding {
	FORWARDING_UNKNOWN, /* there is nothing that could listen */
	FORWARDING_WORKS,
	FORWARDING_REFUSED,
};

/*
 * @qemu: a QEMU that is there, or NULL. Leaves nothing behind. -1 only when the
 * host cannot be asked.
 */
int socket_forwarding_ask(struct host *h, const char *qemu,
			  enum socket_forwarding *out, struct mono deadline,
			  struct err *err);

#endif
