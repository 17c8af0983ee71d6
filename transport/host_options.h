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

/* How root's rights are come by where the login is not root's. */
enum host_become_choice {
	HOST_BECOME_NONE, /* commands run as the login user */
	HOST_BECOME_SUDO, /* commands run as root, by sudo(8) */
};

/* So long a person may take to answer; a login's deadline waits for it. */
enum { HOST_PERSON_MS = 5 * 60 * 1000 };

#define HOST_NOTE_SSH "ssh"
#define HOST_NOTE_KEY "host-key"

enum host_ask {
	HOST_ASK_SECRET, /* a passphrase or password: not to be shown */
	HOST_ASK_OPEN,	 /* yes or no */
};

/*
 * How to log in. Strings are borrowed for the time of host_open() only.
 *
 * @sudo_password: known already, so that nobody is asked for it; or NULL.
 * @ask: asks a person. Returns a malloc'd string that is wiped and freed by the
 *   caller, or NULL when nobody answers. It may block: nothing moves yet when
 *   it is called. NULL: no questions.
 * @notify: a sentence for the user, and a stable word for what it is about:
 *   HOST_NOTE_SSH ("using ssh(1) for …") or HOST_NOTE_KEY ("added the host key
 *   …"). May be NULL.
 */
struct host_options {
	enum host_backend_choice backend;
	const char *identity;	  /* -i FILE */
	const char *known_hosts;  /* replaces the usual files */
	const char *ssh_config;	  /* -F FILE */
	bool accept_new_host_key; /* unknown keys are added; changed never */
	enum host_become_choice become; /* of no effect on this machine */
	const char *sudo_password;
	char *(*ask)(void *arg, const char *prompt, enum host_ask what);
	void (*notify)(void *arg, const char *what, const char *text);
	void *arg;
};

#endif
