/* SPDX-License-Identifier: MIT */
/*
 * ssh_login: from a name to a session that is logged in, and the same again
 * without asking anybody: settings, the host's key and the credential that
 * worked are kept, in memory only.
 */
#ifndef TRANSPORT_SSH_LOGIN_H
#define TRANSPORT_SSH_LOGIN_H

#include <stdbool.h>

#include "transport/base/clock.h"
#include "transport/base/err.h"
#include "transport/host_options.h"
#include "transport/host_target.h"
#include "transport/ssh_dial.h"
#include "transport/ssh_session.h"

struct ssh_login;

/* A session and what carries it. */
struct ssh_link {
	struct ssh_session *session;
	struct ssh_proxy *proxy; /* NULL: TCP */
};
/* Fine for a zeroed one, too. */
void ssh_link_close(struct ssh_link *l);

/*
 * Logs in to @t. Errors as of host_open(); *beyond is set when ssh(1) may well
 * succeed where libssh2 did not. @name: the host for messages.
 */
struct ssh_login *ssh_login_new(const struct host_target *t, const char *name,
				const struct host_options *opt,
				struct ssh_link *link, bool *beyond,
				struct mono deadline, struct err *err);
/* One more session; the host must show the very same key. */
int ssh_login_again(struct ssh_login *login, struct ssh_link *link,
		    struct mono deadline, struct err *err);
/* Wipes the secrets. NULL is fine. */
void ssh_login_free(struct ssh_login *login);

#endif
