/* SPDX-License-Identifier: MIT */
/*
 * host_open: from the user's word for a machine to a host one can act on.
 */
#ifndef TRANSPORT_HOST_OPEN_H
#define TRANSPORT_HOST_OPEN_H

#include <stdbool.h>

#include "transport/host.h"

enum host_backend_choice {
	HOST_SSH_AUTO,	  /* libssh2, then openssh where libssh2 cannot */
	HOST_SSH_LIBSSH2, /* libssh2 only */
	HOST_SSH_OPENSSH, /* a child ssh(1) only */
};

/*
 * How to log in. Strings are borrowed for the time of host_open() only.
 *
 * @ask: asks a person for a secret (a passphrase or password). Returns a
 *   malloc'd string that is wiped and freed by the caller, or NULL when nobody
 *   can be asked. It may block: nothing moves yet when it is called. NULL: no
 *   questions.
 * @notify: a sentence for the user ("libssh2 cannot …; using ssh(1)"). May be
 *   NULL.
 */
struct host_options {
	enum host_backend_choice backend;
	const char *identity;	  /* -i FILE */
	const char *known_hosts;  /* replaces the usual files */
	const char *ssh_config;	  /* -F FILE */
	bool accept_new_host_key; /* unknown keys are added; changed never */
	char *(*ask)(void *arg, const char *prompt);
	void (*notify)(void *arg, const char *text);
	void *arg;
};

/*
 * @target: "local", or "[user@]host[:port]", "[user@][v6::addr]:port",
 * "ssh://[user@]host[:port]". Logs in by @deadline. Errors: ERR_USAGE,
 * ERR_NETWORK, ERR_HOSTKEY, ERR_AUTH, ERR_CRYPTO, ERR_TIMEOUT, ERR_CANCELLED,
 * each with the host named and a hint.
 */
struct host *host_open(const char *target, const struct host_options *opt,
		       struct mono deadline, struct err *err);

/* This machine. Never fails. */
struct host *host_local_new(void);

/* A parsed @target; strings to be freed with host_target_free(). */
struct host_target {
	char *user; /* NULL: not given */
	char *host;
	char *port; /* NULL: not given */
	bool local;
};
int host_target_parse(struct host_target *t, const char *target,
		      struct err *err);
void host_target_free(struct host_target *t);

#endif
