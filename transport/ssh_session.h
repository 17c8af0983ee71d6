/* SPDX-License-Identifier: MIT */
/*
 * ssh_session: one SSH connection, as this side of its endpoint sees it: the
 * steps of a login, and signs of life. Channels: ssh_channel.h.
 *
 *	ssh_session_new		key exchange; the host's key is known
 *	ssh_session_trust	only now is anything said that matters
 *	ssh_session_try_*	until one of them is SSH_LOGIN_IN
 *
 * The key is judged here, and the credentials are here; an endpoint gets
 * signatures, and passwords one at a time.
 */
#ifndef TRANSPORT_SSH_SESSION_H
#define TRANSPORT_SSH_SESSION_H

#include <stdbool.h>

#include "transport/base/clock.h"
#include "transport/base/err.h"
#include "transport/endpoint_child.h"
#include "transport/endpoint/ssh_format.h"

struct ssh_session;

enum ssh_login_step {
	SSH_LOGIN_FAILED = -1, /* give up: the connection, time, a cancel */
	SSH_LOGIN_REFUSED,
	SSH_LOGIN_IN,
};

/* What to log in as, and algorithms: best first, comma-separated. */
struct ssh_proposal {
	const char *user;
	const char *hostkeys, *ciphers, *macs, *kex;
};
/*
 * A session over the connected socket @fd, which it owns from here on. @host
 * is for messages. ERR_CRYPTO when there is no algorithm in common.
 */
struct ssh_session *ssh_session_new(const char *host, int fd,
				    const struct ssh_proposal *proposal,
				    struct mono deadline, struct err *err);
/* Says goodbye; channels that are still open become dead. NULL is fine. */
void ssh_session_close(struct ssh_session *s);

const char *ssh_session_host(const struct ssh_session *s);
const char *ssh_session_user(const struct ssh_session *s);
struct endpoint_child *ssh_session_child(struct ssh_session *s);
/* The key that the host proved to have. Borrowed. */
struct ssh_bytes ssh_session_hostkey(struct ssh_session *s);
/* The host key algorithms that were proposed; the host's, NULL: not known. */
const char *ssh_session_hostkeys_asked(const struct ssh_session *s);
const char *ssh_session_hostkeys_has(const struct ssh_session *s);
/* Whether its libssh2 can log in with RSA keys and SHA-2. */
bool ssh_session_knows_rsa_sha2(const struct ssh_session *s);
/* The algorithms in use, for logs; "" before the login. */
const char *ssh_session_algorithms(struct ssh_session *s);

/*
 * The host's key is the right one: asks what logins it takes. IN when it takes
 * us as we are, else REFUSED, with *methods to be freed.
 */
enum ssh_login_step ssh_session_trust(struct ssh_session *s, char **methods,
				      struct mono deadline, struct err *err);

/*
 * Logs in with the key @blob. @sign is called at most once: appends the
 * signature of @data by @algorithm, or returns -1 for a refusal; NULL: nothing
 * is signed, the host's opinion of the key is all that is wanted (IN: it would
 * take it).
 */
typedef int ssh_session_sign(void *arg, const char *algorithm,
			     struct ssh_bytes data, struct buf *signature);
enum ssh_login_step ssh_session_try_key(struct ssh_session *s,
					struct ssh_bytes blob,
					ssh_session_sign *sign, void *arg,
					struct mono deadline, struct err *err);
enum ssh_login_step ssh_session_try_password(struct ssh_session *s,
					     const char *password,
					     struct mono deadline,
					     struct err *err);
/*
 * Answers the host's questions. @answer returns a string that is wiped and
 * freed here, or NULL.
 */
typedef char *ssh_session_answer(void *arg, const char *prompt);
enum ssh_login_step ssh_session_try_interview(struct ssh_session *s,
					      ssh_session_answer *answer,
					      void *arg, struct mono deadline,
					      struct err *err);

/* As host_alive() and host_ping(). */
int ssh_session_alive(struct ssh_session *s, int silence_ms, struct err *err);
int ssh_session_ping(struct ssh_session *s, struct mono deadline,
		     struct err *err);

#endif
