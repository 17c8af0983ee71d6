/* SPDX-License-Identifier: MIT */
/*
 * host_open: from the user's word for a machine to a host one can act on.
 */
#ifndef TRANSPORT_HOST_OPEN_H
#define TRANSPORT_HOST_OPEN_H

#include "transport/host.h"
#include "transport/host_local.h"
#include "transport/host_options.h"

/*
 * @target: "local", or "[user@]host[:port]", "[user@][v6::addr]:port",
 * "ssh://[user@]host[:port]". Logs in by @deadline. Errors: ERR_USAGE,
 * ERR_NETWORK, ERR_HOSTKEY, ERR_AUTH, ERR_BECOME, ERR_CRYPTO, ERR_TIMEOUT,
 * ERR_CANCELLED, each with the host named and a hint.
 */
struct host *host_open(const char *target, const struct host_options *opt,
		       struct mono deadline, struct err *err);

#endif
