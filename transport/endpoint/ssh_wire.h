/* SPDX-License-Identifier: MIT */
/*
 * ssh_wire: the socket below an SSH session, seen from libssh2.
 *
 * libssh2 must repeat a call with the same arguments when it could send only a
 * part of a packet, and fails (-39) when another call comes in between. So it
 * never sees a part: what the socket does not take at once is kept here, and
 * who writes looks at ssh_wire_pending() first. What came is kept as well when
 * it was read ahead, to notice a dead peer while nobody reads.
 *
 * It also knows how long the peer has been silent: not since it last spoke,
 * but since it was asked and did not answer.
 */
#ifndef TRANSPORT_ENDPOINT_SSH_WIRE_H
#define TRANSPORT_ENDPOINT_SSH_WIRE_H

#include <libssh2.h>
#include <stdbool.h>
#include <stdint.h>

#include "transport/base/buf.h"
#include "transport/base/clock.h"
#include "transport/base/err.h"

enum {
	/* How often the far side is asked for a sign of life. */
	SSH_BEAT_MS = 2000,
	/*
	 * Unanswered for so long, the connection counts as lost: a shorter
	 * break in the network heals by itself.
	 */
	SSH_SILENCE_MS = 30000,
	/* Read ahead at most; who writes waits above so much unsent. */
	SSH_WIRE_IN_MAX = 256 * 1024,
	SSH_WIRE_OUT_MAX = 64 * 1024,
	/* SO_SNDBUF, and the round trip for which it suffices. */
	SSH_WIRE_SNDBUF = 128 * 1024,
	SSH_WIRE_NEAR_US = 500,
	/* Of what came first; a longer greeting is not looked at. */
	SSH_WIRE_FIRST_MAX = 16 * 1024,
};

struct ssh_wire {
	int fd;
	struct buf in, out;
	uint64_t received_bytes;
	size_t sent_since; /* the last time that anything came */
	bool keeps_first;
	struct buf first; /* a copy of what came first, for ssh_kexinit.h */
	bool gated;	  /* receive only while readable */
	bool readable; /* poll(2) said so, and no receive found the end of it */
	struct mono asked; /* the oldest unanswered question, or never */
	bool eof;
	int errnum;	/* what ended it, 0: nothing yet */
	char *farewell; /* the peer's own words when it disconnected */
	void *asker;	/* for callbacks of a login (ssh_auth.c) */
};

/*
 * Microseconds of the round trip that opened the connection; 0 for a socket of
 * this machine.
 */
unsigned int ssh_wire_round_trip_us(int fd);
/*
 * What a socket holds is time that a guest is stopped at the end. To a peer so
 * near that a small buffer keeps any cipher busy it gets no larger one; to
 * another one only what is not sent yet is limited, since what is on its way
 * has to be as much as the way holds.
 */
void ssh_wire_limit(int fd, unsigned int round_trip_us);
/* Owns @fd, a socket, and makes it non-blocking. */
void ssh_wire_init(struct ssh_wire *w, int fd);
void ssh_wire_fini(struct ssh_wire *w);
/*
 * Makes libssh2 use @w, which must not move from then on. A copy of what comes
 * first is kept until it is forgotten.
 */
void ssh_wire_attach(struct ssh_wire *w, LIBSSH2_SESSION *raw);
void ssh_wire_forget_first(struct ssh_wire *w);

/* Reads ahead what there is. Failures are kept in @w. */
void ssh_wire_fill(struct ssh_wire *w);
/* Sends what the socket takes. Failures are kept in @w. */
void ssh_wire_flush(struct ssh_wire *w);
static inline size_t ssh_wire_pending(const struct ssh_wire *w)
{
	return buf_len(&w->out);
}
static inline bool ssh_wire_dead(const struct ssh_wire *w)
{
	return w->eof || w->errnum;
}
/*
 * Says why it is dead: the peer's own words, the socket's error, or that it
 * was closed. ERR_NETWORK.
 */
int ssh_wire_why(const struct ssh_wire *w, struct err *err);
/* From here on every call fails at once, without touching the socket. */
void ssh_wire_cut(struct ssh_wire *w);

/* A question goes out now. */
void ssh_wire_asked(struct ssh_wire *w, struct mono now);
/* Milliseconds since the oldest unanswered question, 0 when there is none. */
double ssh_wire_silent_ms(const struct ssh_wire *w, struct mono now);
/* -1 with ERR_NETWORK when silent for @limit_ms or more. */
int ssh_wire_check_silence(const struct ssh_wire *w, struct mono now,
			   int limit_ms, struct err *err);

#endif
