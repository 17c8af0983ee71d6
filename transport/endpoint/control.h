/* SPDX-License-Identifier: MIT */
/*
 * control: what an endpoint and its parent say to each other.
 *
 * An endpoint (endpoint.h) is a process without rights that speaks to the
 * network. It is started with three descriptors and knows nothing else:
 *
 *	3  the control socket, SOCK_SEQPACKET: one message a packet
 *	4  the connection: to an SSH server, or any stream to be relayed
 *	5  the counters, a memory file of CONTROL_COUNTERS_BYTES
 *
 * Each message is a struct control_head and up to CONTROL_TEXT_MAX bytes of
 * text. The conversation has phases, and control_step() knows which message
 * may be sent by whom in which of them. Either side passes each message through
 * it, so that neither gets one that it does not expect; the parent kills an
 * endpoint that breaks the rules.
 *
 *	parent                          endpoint
 *	CONFIG user, algorithms ───────►  gives up its rights
 *	        ◄─────────────── HELLO  version, sandbox
 *	                                  key exchange
 *	        ◄───────────── HOSTKEY  algorithms, blob
 *	HOSTKEY_OK ────────────────────►
 *	        ◄───────────── METHODS  what the server takes
 *	KEY blob ──────────────────────►
 *	        ◄──────────────── SIGN  the request to be signed
 *	SIGNATURE ─────────────────────►
 *	        ◄─────── REFUSED, READY
 *	OPEN id, command or path ──────►
 *	        ◄── OPENED id, FAILED id
 *	ATTACH id, descriptors ────────►  bytes flow
 *	        ◄──────────────── EOF id  before the parent can see it
 *	        ◄────────────── ENDED id  status
 *	CLOSE id ──────────────────────►
 *
 * For a relay: RELAY, HELLO, ATTACH 0, ENDED 0.
 *
 * Closing the control socket ends an endpoint. An endpoint that fails sends
 * ERROR and ends, before any descriptor that it was handed is closed; one that
 * was killed, or whose library gave up, just ends.
 *
 * Nothing here may be trusted by the parent: an endpoint may have been taken
 * over by the server. It can spoil the session and no more.
 */
#ifndef TRANSPORT_ENDPOINT_CONTROL_H
#define TRANSPORT_ENDPOINT_CONTROL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "transport/base/err.h"

/* Where an endpoint finds its descriptors. */
enum { CONTROL_FD = 3, CONTROL_PEER_FD = 4, CONTROL_COUNTERS_FD = 5 };

enum {
	CONTROL_TEXT_MAX = 32 * 1024,
	CONTROL_FDS_MAX = 3,
	CONTROL_CHANNELS_MAX = 64, /* at a time in an endpoint */
};

enum control_word {
	CONTROL_CONFIG = 1, /* enum control_config strings, each with its NUL */
	CONTROL_RELAY,	    /* no SSH: descriptor 4 is the far end itself */
	CONTROL_HELLO,	    /* a: LIBSSH2_VERSION_NUM, b: enum control_confined,
			       text: the library's version */
	CONTROL_HOSTKEY,    /* enum control_hostkey strings, each with its NUL,
			       and the blob */
	CONTROL_HOSTKEY_OK,
	CONTROL_METHODS,   /* "publickey,password" */
	CONTROL_KEY,	   /* the blob: log in with this key */
	CONTROL_SIGN,	   /* what to sign (RFC 4252, section 7) */
	CONTROL_SIGNATURE, /* without its type; empty: it is refused */
	CONTROL_PASSWORD,
	CONTROL_INTERVIEW, /* keyboard-interactive */
	CONTROL_PROMPT,	   /* a question of the server's */
	CONTROL_ANSWER,
	CONTROL_REFUSED, /* the attempt failed */
	CONTROL_READY,	 /* logged in; the algorithms in use */
	CONTROL_OPEN,	 /* a: enum control_channel, text: what to open */
	CONTROL_OPENED,
	CONTROL_FAILED, /* it was not opened: the server's words */
	CONTROL_ATTACH, /* with 1 descriptor (both ways) or 3 (in, out, err) */
	CONTROL_EOF,	/* the far side sends no more on this channel */
	CONTROL_ENDED,	/* a: enum control_fault, b: exit status or 128 +
			   signal, text: of a fault */
	CONTROL_CLOSE,	/* forget the channel, whatever state it is in */
	CONTROL_PING,
	CONTROL_PONG,  /* the server has answered */
	CONTROL_ERROR, /* a: enum control_fault, text; the last message */
	CONTROL_WORDS
};

/* Strings of a CONFIG, in this order. */
enum control_config {
	CONTROL_CONFIG_USER,
	/* algorithms to propose, best first, comma-separated */
	CONTROL_CONFIG_HOSTKEYS,
	CONTROL_CONFIG_CIPHERS,
	CONTROL_CONFIG_MACS,
	CONTROL_CONFIG_KEX,
	CONTROL_CONFIG_STRINGS
};

/* Strings of a HOSTKEY, in this order: host key algorithms. */
enum control_hostkey {
	CONTROL_HOSTKEY_ASKED, /* of those to propose, what libssh2 knows */
	CONTROL_HOSTKEY_HAS,   /* the server's own list; empty: not known */
	CONTROL_HOSTKEY_STRINGS
};

enum control_channel {
	CONTROL_EXEC, /* text: the command line */
	CONTROL_UNIX, /* text: as direct-streamlocal@openssh.com has it */
};

/* What holds of an endpoint that said HELLO, as bits of b. */
enum control_confined {
	CONTROL_OWN_UID = 1 << 0,
	CONTROL_LANDLOCK = 1 << 1,
	CONTROL_SECCOMP = 1 << 2,
};

enum control_fault {
	CONTROL_FAULT_NONE,
	CONTROL_FAULT_NETWORK, /* the connection failed or was closed */
	CONTROL_FAULT_CRYPTO,  /* no algorithm in common */
	CONTROL_FAULT_LOCAL,   /* the descriptor of this side failed */
	CONTROL_FAULT_CLOSED,  /* the far side took not everything */
	CONTROL_FAULT_INTERNAL,
	CONTROL_FAULTS
};

/* --- phases --------------------------------------------------------------- */

enum control_phase {
	CONTROL_AT_START,
	CONTROL_AT_HELLO,
	CONTROL_AT_RELAY_HELLO,
	CONTROL_AT_EXCHANGE,
	CONTROL_AT_VERDICT, /* of the parent, on the host key */
	CONTROL_AT_METHODS,
	CONTROL_AT_LOGIN,
	CONTROL_AT_ATTEMPT,
	CONTROL_AT_SIGNATURE,
	CONTROL_AT_ANSWER,
	CONTROL_AT_WORK,
	CONTROL_AT_END,
	CONTROL_PHASES
};

enum control_side { CONTROL_PARENT, CONTROL_ENDPOINT };

/*
 * @word is sent by @side. True, with *phase moved on, when it may be sent in
 * this phase; else false, and *phase is CONTROL_AT_END.
 */
bool control_step(enum control_phase *phase, enum control_side side,
		  enum control_word word);
/* "HOSTKEY", … or "?". */
const char *control_word_name(int word);

/* --- messages ------------------------------------------------------------- */

struct control_head {
	uint32_t word;
	uint32_t id; /* of a channel or ping, which the parent chooses */
	int32_t a, b;
};

/* One that came. The text is followed by a NUL that does not count. */
struct control_message {
	struct control_head head;
	size_t len;
	char text[CONTROL_TEXT_MAX + 1];
	int fds[CONTROL_FDS_MAX]; /* owned by who received them; -1: none */
	size_t n_fds;
};

/*
 * Sends a message, with copies of @n_fds descriptors. 0; 1 when the socket is
 * full; -1: ERR_CLOSED when the other side is gone, ERR_SYSTEM.
 */
int control_send(int fd, const struct control_head *head, const void *text,
		 size_t len, const int *fds, size_t n_fds, struct err *err);
/*
 * Receives one, never waits. 0; 1 when there is none; -1: ERR_CLOSED at the
 * end, ERR_PROTOCOL when it is no message, ERR_SYSTEM. @take_fds: else
 * descriptors are not accepted.
 */
int control_receive(int fd, struct control_message *m, bool take_fds,
		    struct err *err);
/*
 * Points strings[0] to [n - 1] at the strings that @text (@len bytes) begins
 * with. The number of bytes that they take, their NULs included; -1 when there
 * are fewer.
 */
ssize_t control_strings(const char *text, size_t len, const char **strings,
			size_t n);
/* Closes the descriptors that nobody has taken (set to -1). */
void control_drop_fds(struct control_message *m);

/* --- counters ------------------------------------------------------------- */

/*
 * Written by the endpoint, read by the parent at any time. Moments are
 * microseconds of CLOCK_MONOTONIC, 0: none. In one with several channels the
 * bytes are those of all.
 */
struct control_counters {
	_Atomic uint64_t sent_bytes;	 /* towards the far side */
	_Atomic uint64_t received_bytes; /* from it, given to this side */
	_Atomic int64_t progress_us;	 /* when one last moved, either way */
	_Atomic int64_t out_since_us;	 /* the far side takes nothing since */
	_Atomic int64_t in_since_us;	 /* this side takes nothing since */
	_Atomic int64_t asked_us;	 /* the oldest unanswered question */
	_Atomic int64_t turn_us;	 /* the endpoint last looked around */
	_Atomic uint64_t whole_packets;	 /* encrypted in one call each */
};

enum {
	CONTROL_COUNTERS_BYTES = 4096,
	CONTROL_TURN_MS = 500, /* at the latest it looks around again */
	/* One that has not for so long is stopped, or worse. */
	CONTROL_STOPPED_MS = 4 * CONTROL_TURN_MS,
};

#endif
