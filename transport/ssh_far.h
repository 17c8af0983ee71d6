/* SPDX-License-Identifier: MIT */
/*
 * ssh_far: the far end of a tunnel through libssh2: a session of its own with
 * one channel to a UNIX socket, driven by the tunnel's thread.
 */
#ifndef TRANSPORT_SSH_FAR_H
#define TRANSPORT_SSH_FAR_H

#include "transport/ssh_login.h"
#include "transport/tunnel.h"

/*
 * Opens a channel to @path over @link and makes a tunnel of both. Owns @link
 * from here on, also on failure. Called from a task.
 */
struct tunnel *ssh_far_tunnel(const char *host, struct ssh_link *link,
			      const char *path, struct mono deadline,
			      struct err *err);

#endif
