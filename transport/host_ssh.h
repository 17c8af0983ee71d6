/* SPDX-License-Identifier: MIT */
/*
 * host_ssh: a host reached through libssh2: one session for commands, files
 * and monitors, one more for each tunnel.
 */
#ifndef TRANSPORT_HOST_SSH_H
#define TRANSPORT_HOST_SSH_H

#include <stdbool.h>

#include "transport/host.h"
#include "transport/host_options.h"
#include "transport/host_target.h"

/*
 * Logs in by @deadline. Borrows @t and @opt for the time of the call; @name is
 * the host as the user wrote it. Errors as of host_open(). *beyond is set when
 * a child ssh(1) may well succeed where this did not (algorithms, RSA and
 * security keys, certificates).
 */
struct host *host_ssh_open(const struct host_target *t, const char *name,
			   const struct host_options *opt, bool *beyond,
			   struct mono deadline, struct err *err);

#endif
