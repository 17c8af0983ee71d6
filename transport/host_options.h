/* SPDX-License-Identifier: MIT */
/*
 * host_options: how to log in to a machine.
 */
#ifndef TRANSPORT_HOST_OPTIONS_H
#define TRANSPORT_HOST_OPTIONS_H

#include <stdbool.h>

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

#endif
