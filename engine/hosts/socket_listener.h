/* SPDX-License-Identifier: MIT */
/*
 * socket_listener: whose process listens on a UNIX socket of this machine, as
 * the kernel knows it: nobody connects to find out.
 */
#ifndef ENGINE_HOSTS_SOCKET_LISTENER_H
#define ENGINE_HOSTS_SOCKET_LISTENER_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Whether process @pid has the socket open that listens at the file @fd, which
 * may be open with O_PATH. False, too, where that cannot be found out: without
 * sock_diag(7) or the right to look into the process.
 */
bool socket_listener_is(int fd, pid_t pid);

#endif
