/* SPDX-License-Identifier: MIT */
/*
 * ssh_agent: asks the user's ssh-agent (draft-miller-ssh-agent).
 *
 * libssh2's own client blocks on the agent's socket; this one parks its task,
 * also while a person confirms the use of a key.
 */
#ifndef TRANSPORT_SSH_AGENT_H
#define TRANSPORT_SSH_AGENT_H

#include "transport/base/clock.h"
#include "transport/base/err.h"
#include "transport/endpoint/ssh_format.h"

struct ssh_agent;

struct ssh_agent_key {
	struct buf blob; /* the public key */
	char *comment;
};

struct ssh_agent *ssh_agent_open(const char *path, struct mono deadline,
				 struct err *err);
void ssh_agent_close(struct ssh_agent *a);

/* Its keys and their number; valid until the agent is closed. */
int ssh_agent_list(struct ssh_agent *a, struct ssh_agent_key **keys, size_t *n,
		   struct mono deadline, struct err *err);
/*
 * Appends the signature proper of @data by @algorithm, without its type, to
 * @signature. An answer by another algorithm is an error.
 */
int ssh_agent_sign(struct ssh_agent *a, struct ssh_bytes blob,
		   const char *algorithm, struct ssh_bytes data,
		   struct buf *signature, struct mono deadline,
		   struct err *err);

#endif
