/* SPDX-License-Identifier: MIT */
/*
 * ssh_far: the far end of a tunnel through libssh2: a session of its own with
 * one channel, to a UNIX socket or a command, driven by the tunnel's thread.
 */
#ifndef TRANSPORT_SSH_FAR_H
#define TRANSPORT_SSH_FAR_H

#include "transport/ssh_login.h"
#include "transport/tunnel.h"

/*
 * Makes a tunnel of @link and the @channel opened over it, and owns both from
 * here on, also on failure. @channel NULL: it could not be opened, and @err
 * says why. Called from a task.
 */
struct tunnel *ssh_far_tunnel(const char *host, struct ssh_link *link,
			      LIBSSH2_CHANNEL *channel, struct err *err);

#endif
