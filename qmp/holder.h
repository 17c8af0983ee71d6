/* SPDX-License-Identifier: MIT */
/*
 * holder: which process is at the other end of a single-client UNIX socket.
 *
 * A monitor serves one client at a time; a second client needs to know who the
 * first is. The kernel reports it by sock_diag(7), for sockets of this machine.
 */
#ifndef QMP_HOLDER_H
#define QMP_HOLDER_H

/*
 * "pid 5120 (virt-viewer)": a client of the listener bound to @path. NULL when
 * there is none, or its process cannot be seen by us. To be freed.
 */
char *holder_of_unix_socket(const char *path);
/* The same for the listener that @fd, a UNIX socket, is connected to. */
char *holder_of_unix_peer(int fd);

#endif
