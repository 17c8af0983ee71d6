/* SPDX-License-Identifier: MIT */
/*
 * host_openssh: a host reached through a child ssh(1).
 *
 * For servers and set-ups that libssh2 cannot serve: AEAD-only ciphers,
 * hardware keys, GSSAPI, ProxyCommand. Slower to act (a process per command),
 * equal once bytes flow.
 */
#ifndef TRANSPORT_HOST_OPENSSH_H
#define TRANSPORT_HOST_OPENSSH_H

#include "transport/host.h"
#include "transport/host_options.h"
#include "transport/host_target.h"

/*
 * Logs in by @deadline. Borrows @t and @opt for the time of the call. Errors:
 * ERR_NETWORK, ERR_HOSTKEY, ERR_AUTH, ERR_CRYPTO, ERR_TIMEOUT, ERR_CANCELLED,
 * ERR_SYSTEM (no ssh client), with ssh's own words as the cause.
 */
struct host *host_openssh_open(const struct host_target *t,
			       const struct host_options *opt,
			       struct mono deadline, struct err *err);

#endif
