/* SPDX-License-Identifier: MIT */
/*
 * ssh_dial: the connection that an SSH session runs on: TCP, or a proxy of the
 * user's configuration (ProxyJump, ProxyCommand) as a child.
 */
#ifndef TRANSPORT_SSH_DIAL_H
#define TRANSPORT_SSH_DIAL_H

#include <stdbool.h>

#include "transport/base/clock.h"
#include "transport/base/err.h"
#include "transport/base/strv.h"
#include "transport/ssh_config.h"

/*
 * What ssh(1) as the proxy is given. As with its -J, what the caller says of
 * the destination (files, keys) is not true of the hosts before it, which the
 * configuration describes. Strings are owned.
 */
struct ssh_dial_options {
	char *config_file; /* -F, or NULL */
	bool interactive;  /* it may ask a person */
};

struct ssh_proxy;

/*
 * Returns a connected socket, or -1 (ERR_NETWORK, ERR_TIMEOUT, ERR_SYSTEM).
 * *proxy: the child behind it, NULL for plain TCP; keep it as long as the
 * socket.
 */
int ssh_dial(const struct ssh_config *c, const struct ssh_dial_options *o,
	     struct ssh_proxy **proxy, struct mono deadline, struct err *err);
/* Ends the child. May be called from any thread. NULL is fine. */
void ssh_proxy_free(struct ssh_proxy *p);
/*
 * After a failure on the socket: puts what the proxy had to say below @err as
 * its cause. Waits a moment for its last words.
 */
void ssh_proxy_explain(struct ssh_proxy *p, struct err *err);

/* The argv of the proxy that ProxyJump means. */
void ssh_dial_jump_argv(struct strv *argv, const struct ssh_config *c,
			const struct ssh_dial_options *o);

#endif
