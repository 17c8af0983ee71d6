/* SPDX-License-Identifier: MIT */
/*
 * endpoint_channel: one channel of the session, between the server and the
 * descriptors that the parent handed over for it.
 *
 *	waiting   the parent has said OPEN; its order (endpoint_order.h) is due
 *	open      OPENED was said; what comes waits in libssh2
 *	attached  bytes flow through its lanes
 *	closing   ENDED was said, or the parent said CLOSE: to be freed
 */
#ifndef TRANSPORT_ENDPOINT_ENDPOINT_CHANNEL_H
#define TRANSPORT_ENDPOINT_ENDPOINT_CHANNEL_H

#include <libssh2.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "transport/endpoint/control.h"
#include "transport/endpoint/endpoint_lane.h"

struct endpoint;

enum endpoint_channel_state {
	ENDPOINT_CHANNEL_WAITING,
	ENDPOINT_CHANNEL_OPEN,
	ENDPOINT_CHANNEL_ATTACHED,
	ENDPOINT_CHANNEL_CLOSING,
};

struct endpoint_channel {
	uint32_t id;
	enum control_channel kind;
	enum endpoint_channel_state state;
	char *message; /* what to open */
	size_t message_len;
	LIBSSH2_CHANNEL *raw; /* NULL: not yet, or a relay's */

	int fds[CONTROL_FDS_MAX]; /* from this side, to it, its errors; -1 */
	bool one_socket; /* the first two are one; errors are dropped */
	struct endpoint_lane out, in, err;
	int poll_at; /* of its entries in the last poll(2) */

	struct mono end_due; /* a relay's far end has ended: when to say so */
	int end_errnum;	     /* how; 0: orderly */
	enum control_fault fault;
	char *words; /* of the fault */

	struct endpoint_channel *next;
};

/* For an OPEN in e->in; it has to be ordered. Dies when there are too many. */
struct endpoint_channel *endpoint_channel_new(struct endpoint *e);
struct endpoint_channel *endpoint_channel_find(struct endpoint *e, uint32_t id);
/* For an ATTACH in e->in, whose descriptors it takes. */
void endpoint_channel_attach(struct endpoint *e, struct endpoint_channel *c);
/* The parent does not want it any more. */
void endpoint_channel_close(struct endpoint_channel *c);

/* It cannot go on: the first reason counts. @errnum 0: @text says it all. */
void endpoint_channel_fault(struct endpoint_channel *c, enum control_fault what,
			    const char *text, int errnum);
/* Moves what can be moved; whether anything did. */
bool endpoint_channel_step(struct endpoint *e, struct endpoint_channel *c,
			   struct mono now);
/* Frees those that are closing, as far as the server lets it. */
void endpoint_channel_reap(struct endpoint *e);

/* Its entries for poll(2), at most ENDPOINT_CHANNEL_POLLS; how many. */
enum { ENDPOINT_CHANNEL_POLLS = 3 };
int endpoint_channel_poll(struct endpoint_channel *c, struct pollfd *p);
/* What came of them. */
void endpoint_channel_polled(struct endpoint_channel *c,
			     const struct pollfd *p);

#endif
