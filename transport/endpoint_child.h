/* SPDX-License-Identifier: MIT */
/*
 * endpoint_child: an endpoint (endpoint/endpoint.h), seen from its parent.
 *
 * Starts it, speaks the control protocol with it (endpoint/control.h), and
 * knows how it ended. Nothing it says is believed beyond what the protocol
 * lets it say: one that breaks the rules is killed, and its connection is lost.
 *
 * The parent's words are about a subject: the login (id 0), a channel, a ping.
 * What the endpoint says of it is gathered there by a task of its own:
 *
 *	struct endpoint_subject ping;
 *
 *	endpoint_child_begin(c, &ping);
 *	if (endpoint_child_say(c, &ping, CONTROL_PING, …) < 0 ||
 *	    endpoint_child_await(c, &ping, CONTROL_BIT(PONG), …) < 0)
 *		…
 *	endpoint_child_forget(c, &ping);
 *
 * All calls are for tasks only.
 */
#ifndef TRANSPORT_ENDPOINT_CHILD_H
#define TRANSPORT_ENDPOINT_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "transport/base/buf.h"
#include "transport/base/clock.h"
#include "transport/base/err.h"
#include "transport/base/task.h"
#include "transport/endpoint/control.h"

struct endpoint_child;

/*
 * The program to be run as an endpoint, for the whole process: one whose
 * main() begins as endpoint.h says. Copied. Until it is named, none can be
 * started (ERR_USAGE).
 */
void endpoint_child_program(const char *path);

/*
 * Starts one over @peer_fd, a connected socket, which is closed on this side
 * whatever happens. @host is for messages and is copied.
 */
struct endpoint_child *endpoint_child_start(const char *host, int peer_fd,
					    struct err *err);
/*
 * Closes the control socket, leaves it a moment to say goodbye, and ends it.
 * What is open through it is dead from here on. NULL is fine.
 */
void endpoint_child_close(struct endpoint_child *c);
/*
 * Ends it at once: each socket that it had been handed is closed within
 * milliseconds. @why, of which the rest is emptied, is what everybody learns,
 * unless it has ended already.
 */
void endpoint_child_kill(struct endpoint_child *c, struct err *why);

/* Those that outlive its closing hold it. */
struct endpoint_child *endpoint_child_hold(struct endpoint_child *c);
void endpoint_child_drop(struct endpoint_child *c);

const char *endpoint_child_host(const struct endpoint_child *c);
const struct control_counters *
endpoint_child_counters(const struct endpoint_child *c);

pid_t endpoint_child_pid(const struct endpoint_child *c);
/* From its HELLO, 0 before: LIBSSH2_VERSION_NUM; enum control_confined. */
int endpoint_child_version(const struct endpoint_child *c);
int endpoint_child_confined(const struct endpoint_child *c);
/* Woken when anything was heard, and at its end. */
struct waitq *endpoint_child_activity(struct endpoint_child *c);

/*
 * Takes in what has come. 0, or -1 with the reason once it has ended
 * (ERR_NETWORK, ERR_CRYPTO; ERR_CLOSED when it was closed here).
 */
int endpoint_child_check(struct endpoint_child *c, struct err *err);

/* --- subjects ------------------------------------------------------------- */

#define CONTROL_BIT(word) (1U << (CONTROL_##word))

struct endpoint_subject {
	uint32_t id;
	uint32_t heard;		  /* a CONTROL_BIT for each word */
	struct control_head head; /* of the latest */
	struct buf text;	  /* of the latest that had one */
	struct endpoint_subject *next;
};

/* Gives it a number of its own; begin_login: 0. */
void endpoint_child_begin(struct endpoint_child *c, struct endpoint_subject *s);
void endpoint_child_begin_login(struct endpoint_child *c,
				struct endpoint_subject *s);
/* Wipes its text. Later words about it are dropped. */
void endpoint_child_forget(struct endpoint_child *c,
			   struct endpoint_subject *s);

struct endpoint_words {
	enum control_word word;
	int32_t a;
	const void *text;
	size_t len;
	const int *fds; /* copies are sent */
	size_t n_fds;
};
/* 0 once it is in the socket. Errors of _check(), ERR_TIMEOUT, _CANCELLED. */
int endpoint_child_say(struct endpoint_child *c, struct endpoint_subject *s,
		       const struct endpoint_words *words, struct mono deadline,
		       struct err *err);
/* Waits until one of @bits was heard. Errors as above. */
int endpoint_child_await(struct endpoint_child *c, struct endpoint_subject *s,
			 uint32_t bits, struct mono deadline, struct err *err);
/* The same, and says it first. Words heard before do not count. */
int endpoint_child_ask(struct endpoint_child *c, struct endpoint_subject *s,
		       const struct endpoint_words *words, uint32_t bits,
		       struct mono deadline, struct err *err);

#endif
