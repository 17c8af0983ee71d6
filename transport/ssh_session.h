/* SPDX-License-Identifier: MIT */
/*
 * ssh_session: one connection through libssh2, shared by many tasks.
 *
 * Theory of operation. libssh2 is a set of state machines that say EAGAIN; a
 * task repeats its call until it says something else:
 *
 *	while ((rc = ssh_session_did(s, libssh2_…(…))) == LIBSSH2_ERROR_EAGAIN)
 *		if (ssh_session_wait(s, deadline, err) < 0)
 *			return -1;
 *
 * Sending never says EAGAIN (ssh_wire.h), so calls of several channels may
 * interleave. What may not is the opening of channels, whose state libssh2
 * keeps once a session: one task of the session's own, the keeper, opens and
 * closes channels for everybody. A caller that gives up waiting for a channel
 * just returns; the keeper finishes the dialogue and frees it.
 *
 *   tasks ── libssh2 ── ssh_wire ─┬─ pump: reads ahead, sends the rest,
 *     │                           │  notices the end at once
 *     └── orders ── keeper ───────┘  opens, closes, asks for signs of life
 *
 * Any call may take in packets of other channels, so whenever bytes came
 * everybody who waits tries again. After the first failure of the connection
 * the session is dead, and every call says why.
 *
 * The sign of life is a channel of a type that no server knows: the refusal is
 * a round trip that works in every session and leaves nothing behind (libssh2
 * keeps the answers to its own keepalives for ever).
 */
#ifndef TRANSPORT_SSH_SESSION_H
#define TRANSPORT_SSH_SESSION_H

#include <libssh2.h>
#include <stdbool.h>

#include "transport/base/clock.h"
#include "transport/base/err.h"
#include "transport/endpoint/ssh_wire.h"

struct ssh_session;

/*
 * A session over the connected socket @fd, which it owns from here on. @host
 * is for messages and is copied. Nothing is said to the peer yet. NULL only
 * when libssh2 has no memory.
 */
struct ssh_session *ssh_session_new(const char *host, int fd, struct err *err);
/*
 * Says goodbye as far as that takes no time, ends the tasks, closes the
 * socket. Channels that are still open become dead. NULL is fine.
 */
void ssh_session_close(struct ssh_session *s);

LIBSSH2_SESSION *ssh_session_raw(struct ssh_session *s);
const char *ssh_session_host(const struct ssh_session *s);
/* For callbacks of libssh2, whose *abstract is the session's wire. */
struct ssh_wire *ssh_session_wire(struct ssh_session *s);

/*
 * To be called with the result of each call into libssh2, which it returns:
 * sends what the call wrote and wakes whom it concerns.
 */
long ssh_session_did(struct ssh_session *s, long rc);
/*
 * Waits until something happened. ERR_NETWORK once the session is dead, and
 * also, instead of ERR_TIMEOUT, when the host had not answered for a while.
 */
int ssh_session_wait(struct ssh_session *s, struct mono deadline,
		     struct err *err);
/*
 * A call failed with @rc (not EAGAIN): fills @err, and ends the session unless
 * @rc is a refusal that leaves the connection intact. Returns -1.
 */
int ssh_session_failed(struct ssh_session *s, long rc, struct err *err);
/* 0, or -1 with the reason once the session is dead. */
int ssh_session_check(const struct ssh_session *s, struct err *err);
/* True while as much is unsent that writers ought to wait. */
bool ssh_session_congested(const struct ssh_session *s);

/* Banner and key exchange. */
int ssh_session_handshake(struct ssh_session *s, struct mono deadline,
			  struct err *err);
/* The login is done: channels can be opened, signs of life are asked for. */
void ssh_session_logged_in(struct ssh_session *s);

/*
 * Opens a channel of @type with @message behind the usual fields. Returns it
 * or NULL; ERR_REMOTE when the host refuses (its reason code's words).
 */
LIBSSH2_CHANNEL *ssh_session_open(struct ssh_session *s, const char *type,
				  const void *message, size_t message_len,
				  struct mono deadline, struct err *err);
/*
 * Starts @command in @channel, which it takes. Returns the channel, or NULL
 * when it did not start; the channel is closed then.
 */
LIBSSH2_CHANNEL *ssh_session_exec(struct ssh_session *s,
				  LIBSSH2_CHANNEL *channel, const char *command,
				  struct mono deadline, struct err *err);
/* Hands @channel over to be closed and freed in the background. */
void ssh_session_release(struct ssh_session *s, LIBSSH2_CHANNEL *channel);

/* As host_alive() and host_ping(). */
int ssh_session_alive(struct ssh_session *s, int silence_ms, struct err *err);
int ssh_session_ping(struct ssh_session *s, struct mono deadline,
		     struct err *err);

/* Those that outlive the session's closing (channels) hold it. */
struct ssh_session *ssh_session_hold(struct ssh_session *s);
void ssh_session_drop(struct ssh_session *s);

/*
 * Takes the connection out of the session, for a thread that goes on with it:
 * the tasks are ended, @wire gets socket and buffers, the raw session is
 * returned; ssh_session_close() is still due. NULL when the session is dead.
 */
LIBSSH2_SESSION *ssh_session_detach(struct ssh_session *s,
				    struct ssh_wire *wire, struct err *err);
/* Frees a raw session whose wire was cut; talks to nobody. */
void ssh_session_free_raw(LIBSSH2_SESSION *raw);

/* "libssh2's own words (-39)" of the last failure, to be freed. */
char *ssh_session_words(LIBSSH2_SESSION *raw, long rc);
/* A sign of life: LIBSSH2_ERROR_EAGAIN, 0 once answered, or what failed. */
long ssh_session_beat(LIBSSH2_SESSION *raw);

#endif
