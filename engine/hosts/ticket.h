/* SPDX-License-Identifier: MIT */
/*
 * ticket: the line of those who wait for their turn to leave this host.
 *
 * Theory of operation. Each process that waits has a file in one directory,
 * named by the time of its arrival and locked (lockfile.h) while the process
 * lives; the ticket of a dead process is dropped by the next one that reads the
 * directory. Every reading and change happens under a lock of the directory
 * itself, so that two never take one place. Nobody serves the line: each
 * process reads it again and again, and goes when it is its turn.
 *
 *	queued ──► going ──► (dropped when the run has reached the destination)
 *	  ▲ │        │
 *	  │ ▼        ▼
 *	guest      there    waits for its guest, or for its destination
 *
 * First come, first served: nobody passes an earlier one that waits for a
 * place on this host, or for the same destination, or for the same guest. One
 * that waits for its guest or its destination holds up nobody else, and one
 * that has not looked for some seconds (it is stopped) is passed.
 *
 * A run under way is one that holds its guest's lock. To look at that lock
 * keeps nobody from taking it.
 */
#ifndef ENGINE_HOSTS_TICKET_H
#define ENGINE_HOSTS_TICKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transport/base/err.h"
#include "transport/base/strv.h"

enum ticket_state {
	TICKET_QUEUED, /* for a place on this host */
	TICKET_GUEST,  /* for the end of another migration of its guest */
	TICKET_THERE,  /* for room on its destination */
	TICKET_GOING,  /* has a place */
	TICKET_STATES
};

/* One in the line, as its file says. Strings owned. */
struct ticket_facts {
	char *key; /* of its guest, see run.h */
	char *to;  /* destination, in its user's words */
	uint64_t ram_bytes;
	enum ticket_state state;
	int64_t seen_us; /* when it looked last, CLOCK_MONOTONIC */
};

enum turn {
	TURN_GO,
	TURN_GUEST,  /* another migration of this guest comes first */
	TURN_BEHIND, /* an earlier one waits for the same destination */
	TURN_PLACE,  /* no place free, or earlier ones wait for one */
};

struct ticket_turn {
	enum turn turn;
	size_t leaving; /* runs under way or just starting on this host */
	size_t ahead;	/* wait for a place and came earlier */
	/* of those that go to the same destination just now */
	uint64_t ahead_bytes;
};

/* Longer without a look: it does not look any more. */
enum { TICKET_STALE_US = 10 * 1000 * 1000 };

/*
 * Whether @line[@mine] may go: @line in the order of arrival, @locks the keys
 * of guests that leave now, @limit how many may at once. Pure.
 */
struct ticket_turn ticket_judge(const struct ticket_facts *line, size_t n,
				size_t mine, const struct strv *locks,
				unsigned int limit, int64_t now_us);

struct ticket;

/*
 * Takes the last place in the line of @directory; @id is different for each
 * ticket, @locks is where the guests' locks are. All are borrowed. The calls
 * that may have to wait are for tasks.
 */
struct ticket *ticket_take(const char *directory, const char *locks,
			   const char *id, const char *key, const char *to,
			   uint64_t ram_bytes, struct err *err);
/* Looks; when it may go, it has its place (TICKET_GOING) on return. */
int ticket_look(struct ticket *t, unsigned int limit, struct ticket_turn *out,
		struct err *err);
/* Gives its place up to wait for something else. */
int ticket_wait(struct ticket *t, enum ticket_state state, struct err *err);
enum ticket_state ticket_state(const struct ticket *t);
/* Leaves the line; frees. Never waits. NULL is fine. */
void ticket_drop(struct ticket *t);

#endif
