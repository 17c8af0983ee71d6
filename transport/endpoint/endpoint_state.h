/* SPDX-License-Identifier: MIT */
/*
 * endpoint_state: what an endpoint consists of, and what all of its parts
 * call. There is one in a process; see endpoint.h.
 */
#ifndef TRANSPORT_ENDPOINT_ENDPOINT_STATE_H
#define TRANSPORT_ENDPOINT_ENDPOINT_STATE_H

#include <libssh2.h>

#include "transport/base/clock.h"
#include "transport/endpoint/control.h"
#include "transport/endpoint/ssh_wire.h"

struct endpoint_channel;
struct endpoint_order;

struct endpoint {
	enum control_phase phase;
	struct control_counters *counters;
	struct control_message in; /* the parent's latest */
	char *config[CONTROL_CONFIG_STRINGS];
	int hold_ms;	      /* of a relay: how long an end is kept back */
	LIBSSH2_SESSION *raw; /* NULL: a relay */
	struct ssh_wire wire;

	/* work */
	struct endpoint_channel *channels;
	struct endpoint_order *orders; /* the first one is worked on */
	bool beating;
	bool just_closed; /* a channel, since the last sign of life */
	struct mono beat_due;
};

/* --- messages ------------------------------------------------------------- */

/* To the parent; waits where the socket is full. */
void endpoint_say(struct endpoint *e, enum control_word word, const void *text,
		  size_t len);
/* The same about channel or ping @id. */
void endpoint_say_of(struct endpoint *e, enum control_word word, uint32_t id,
		     int32_t a, int32_t b, const char *text);
/*
 * Takes the parent's next message into e->in; false when there is none. Does
 * not return when the parent is gone or breaks the rules.
 */
bool endpoint_hear(struct endpoint *e);

/* --- waiting, in the login only ------------------------------------------- */

/* Until the parent says something. The server may end meanwhile. */
void endpoint_await_parent(struct endpoint *e);
/* Until the server can be read or written again. */
void endpoint_await_server(struct endpoint *e);

/* --- libssh2 -------------------------------------------------------------- */

/* The result of each call passes here: what it wrote is sent. Returns it. */
long endpoint_did(struct endpoint *e, long rc);
/* "libssh2's own words (-39)" of the last failure, to be freed. */
char *endpoint_words(struct endpoint *e, long rc);

/* --- ends ----------------------------------------------------------------- */

void endpoint_die(struct endpoint *e, enum control_fault fault,
		  const char *text) __attribute__((noreturn));
/* A call failed with @rc: says what the server said, the socket or libssh2. */
void endpoint_failed(struct endpoint *e, long rc) __attribute__((noreturn));
/* Nobody wants it any more: says goodbye as far as that takes no time. */
void endpoint_leave(struct endpoint *e) __attribute__((noreturn));

#endif
