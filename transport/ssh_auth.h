/* SPDX-License-Identifier: MIT */
/*
 * ssh_auth: logs in, by what the user has, in the order ssh(1) goes: the
 * agent's keys, key files, then what a person types.
 */
#ifndef TRANSPORT_SSH_AUTH_H
#define TRANSPORT_SSH_AUTH_H

#include <stdbool.h>

#include "transport/base/buf.h"
#include "transport/base/clock.h"
#include "transport/base/err.h"
#include "transport/ssh_config.h"
#include "transport/ssh_session.h"

enum ssh_credential_kind {
	SSH_CREDENTIAL_NONE, /* not logged in yet */
	SSH_CREDENTIAL_OPEN, /* the host asked for nothing */
	SSH_CREDENTIAL_AGENT,
	SSH_CREDENTIAL_FILE,
	SSH_CREDENTIAL_PASSWORD,
	SSH_CREDENTIAL_ANSWER, /* keyboard-interactive, one answer */
	SSH_CREDENTIAL_ONCE,   /* keyboard-interactive, cannot be repeated */
};

/* What worked, to log in again without asking anybody. Zeroed: nothing yet. */
struct ssh_credential {
	enum ssh_credential_kind kind;
	struct buf blob;   /* the agent's key */
	char *path;	   /* the key file */
	struct buf secret; /* passphrase, password or answer; wiped */
};
void ssh_credential_free(struct ssh_credential *c);

/*
 * Logs in as @config->user with @credential if it holds one, else tries
 * everything and fills it. @opt: only ask and arg are used; NULL: no
 * questions.
 *
 * ERR_AUTH when the host refuses; the cause lists what was tried, *beyond is
 * set when there was something that libssh2 cannot use but ssh(1) may.
 */
int ssh_auth_login(struct ssh_session *s, const struct ssh_config *config,
		   const struct host_options *opt,
		   struct ssh_credential *credential, bool *beyond,
		   struct mono deadline, struct err *err);

#endif
