/* SPDX-License-Identifier: MIT */
/*
 * guest_socket: connections to the UNIX sockets of a guest.
 *
 * The name of such a socket comes from a command line, and its directory
 * belongs to the guest's user, who may put a link there to a socket that only
 * root may use. So root, acting for the guest of another user, does not connect
 * to that name. On this machine the file is opened without being used, looked
 * at, and connected to through that descriptor. Elsewhere it gets a second name
 * (a hard link, so no other file can take its place) in a fresh directory of
 * root's, is looked at there, connected to, and loses that name again.
 *
 * What counts is that it is a socket and belongs to the guest's user. One that
 * a guest had made before it gave up root's rights (-runas) belongs to root: on
 * this machine it will do if the guest's process listens there, as the kernel
 * says before anybody connects (socket_listener.h).
 *
 * Where root's rights come by sudo (host_becomes), sshd connects as the login
 * user, who may be neither root nor the guest's. The socket is judged in the
 * same way, and lent: from then until it loses its second name it belongs to
 * the login user, mode 0600, and the directory has mode 0711 and a name that
 * cannot be guessed. The guest's user is shut out meanwhile, as is everybody
 * else but root. A record below /run/vmferry keeps the owner, so that a socket
 * whose connection was cut off is known and given back by the next one; who
 * lends or gives back has a lock that only root can take, as the last of
 * several connections has to give it back.
 */
#ifndef ENGINE_HOSTS_GUEST_SOCKET_H
#define ENGINE_HOSTS_GUEST_SOCKET_H

#include <sys/types.h>

#include "transport/host.h"

/* A guest, as the owner of sockets. */
struct guest_socket_owner {
	uid_t uid;
	pid_t pid; /* on the host; 0: not known */
};

/*
 * As host_connect() and host_tunnel(), to the socket @path of the guest
 * @owner. ERR_REFUSED when it is another's, or when that cannot be made sure
 * of. A login that is not root's, or a guest of root's, connects at once,
 * without sudo.
 */
struct stream *guest_socket_connect(struct host *h, const char *path,
				    const struct guest_socket_owner *owner,
				    struct mono deadline, struct err *err);
struct tunnel *guest_socket_tunnel(struct host *h, const char *path,
				   const struct guest_socket_owner *owner,
				   struct mono deadline, struct err *err);
/* The same, by another login @via of the same user to the same host. */
struct tunnel *guest_socket_tunnel_by(struct host *h, struct host *via,
				      const char *path,
				      const struct guest_socket_owner *owner,
				      struct mono deadline, struct err *err);

#endif
