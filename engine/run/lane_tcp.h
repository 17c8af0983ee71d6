/* SPDX-License-Identifier: MIT */
/*
 * lane_tcp: the stream over plain TCP, to a port of the destination's QEMU.
 *
 * Theory of operation. QEMU listens at the address of the destination to which
 * the SSH login came, at the first free port of a fixed range, from the moment
 * before we connect until the migration has ended. It takes the first
 * connection and closes all further ones unread, and has no option for whose to
 * take. So before a byte is sent the destination is asked, through the login,
 * which connections its QEMU holds: exactly one is allowed, and it has to be
 * ours by address and port; where addresses are translated on the way, one from
 * where our login comes from. Else the destination's QEMU is removed.
 *
 * What is sent is neither secret nor protected. An attacker on the way can read
 * the guest's memory, and change it. One who connects first can feed a stream
 * to a QEMU that is removed afterwards, and so reach its code that loads
 * devices, with the rights of the guest's user. What he cannot do is make a
 * hand-over happen, or undo one: that is decided by what both QEMUs answer to
 * QMP, which does not take this lane.
 */
#ifndef ENGINE_RUN_LANE_TCP_H
#define ENGINE_RUN_LANE_TCP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "transport/base/err.h"

struct host;
struct lane_tcp;
struct run;
struct tunnel;

/* As libvirt has them, so that a firewall may have them open already. */
enum { LANE_TCP_FIRST_PORT = 49152, LANE_TCP_LAST_PORT = 49215 };
/* So long a connection may take to be made. */
enum { LANE_TCP_CONNECT_MS = 5000 };

/*
 * Asks where the login came to. NULL with ERR_REFUSED where that is no address
 * that can be connected to, or what asking a host may end with.
 */
struct lane_tcp *lane_tcp_new(struct host *h, struct err *err);
void lane_tcp_free(struct lane_tcp *l);
/* The address that QEMU listens at. Borrowed. */
const char *lane_tcp_address(const struct lane_tcp *l);
/* It is a loopback address, which leads elsewhere from another host. */
bool lane_tcp_is_inward(const struct lane_tcp *l);

/*
 * Has the destination's QEMU listen, and connects. ERR_NETWORK when no
 * connection comes about; ERR_REFUSED where it cannot be seen whose QEMU
 * accepted, ERR_FAILED when it is another's.
 */
struct tunnel *lane_tcp_open(struct run *r, const struct lane_tcp *l,
			     struct err *err);

/* --- pure, for tests ----------------------------------------------------- */

/*
 * Reads $SSH_CONNECTION, "CLIENT PORT SERVER PORT". False when it is none.
 * @client and @server have room for LANE_TCP_ADDRESS bytes.
 */
enum { LANE_TCP_ADDRESS = 64 };
bool lane_tcp_parse(const char *text, char *client, char *server);
/* NULL, or why one cannot connect to this address from elsewhere. */
const char *lane_tcp_unfit(const char *address);
/* "tcp:[::1]:49152,to=49215" */
char *lane_tcp_uri(const char *address);
/*
 * Whether @peer, "0100007F:D61C" as /proc/net/tcp has it, is @own; or, if its
 * address is not, of the address @client.
 */
bool lane_tcp_is_ours(const char *peer, const struct sockaddr_storage *own,
		      const char *client);

#endif
