/* SPDX-License-Identifier: MIT */
/*
 * verdict: who owns the guest after a crash, and what to do; pure.
 *
 * Theory of operation. The rows are searched from the top and the first that
 * matches decides, so a row may rely on those above it not having matched.
 *
 *                    no COMMIT yet         COMMIT, ROLLBACK       DESTRUN
 *   source alive     it owns the guest     handed over: the       the
 *                                          destination owns it    destination
 *   source gone      the destination, if   the destination        owns it,
 *                    it holds all of it                           come what may
 *   source unknown   hold                  hold, unless it was
 *                                          seen to run over there
 *
 * Without COMMIT the destination never ran, so the source may go on whatever
 * has become of the other side. With it, only ROLLBACK and a destination that
 * is gone give the guest back.
 */
#include "engine/verdict.h"

#include <assert.h>

#include "transport/base/xalloc.h"

static const char *const side_names[] = {
	[SIDE_UNKNOWN] = "unknown", [SIDE_GONE] = "gone",
	[SIDE_RUNS] = "runs",	    [SIDE_PAUSED] = "paused",
	[SIDE_MOVING] = "moving",   [SIDE_DEVICE] = "device",
	[SIDE_ENDED] = "ended",	    [SIDE_POSTMIGRATE] = "postmigrate",
};
static_assert(ARRAY_SIZE(side_names) == SIDE_STATES, "a name for each state");

static const char *const verdict_names[] = {
	[VERDICT_NOTHING] = "nothing", [VERDICT_ABORT] = "abort",
	[VERDICT_FORWARD] = "forward", [VERDICT_FINISH] = "finish",
	[VERDICT_LOST] = "lost",       [VERDICT_TAKE_BACK] = "take-back",
	[VERDICT_HOLD] = "hold",       [VERDICT_PERSON] = "person",
};
static_assert(ARRAY_SIZE(verdict_names) == VERDICTS, "a name for each verdict");

const char *side_state_name(enum side_state s)
{
	assert(s < SIDE_STATES);
	return side_names[s];
}

const char *verdict_name(enum verdict v)
{
	assert(v < VERDICTS);
	return verdict_names[v];
}

#define J(word) (1u << JOURNAL_##word)
#define S(word) (1u << SIDE_##word)

enum {
	ANY = ~0,
	EMPTY = J(RECORDS), /* a journal without a whole record */
	FINAL = J(ABORTED) | J(DONE),
	/* the destination was never told to run, or is gone (ABORTING) */
	UNCOMMITTED = J(BEGIN) | J(PREP) | J(DEST) | J(MIGRATE) | J(SWITCH) |
		      J(ABORTING),
	COMMITTED = J(COMMIT) | J(ROLLBACK),
	/* a source that has not handed over: it runs, or may by itself */
	KEEPS = S(RUNS) | S(PAUSED) | S(MOVING) | S(DEVICE),
	ALIVE = KEEPS | S(POSTMIGRATE),
	OVER = S(POSTMIGRATE) | S(GONE),
	/* a destination from which somebody else has migrated the guest */
	MOVED_ON = S(DEVICE) | S(POSTMIGRATE),
};

enum only_if {
	ALWAYS,
	DISKS_STALE, /* the destination's disks lack the last writes */
	UNWATCHED,   /* the source may have run on before it ended */
};

struct row {
	unsigned journal, source, destination; /* sets */
	enum only_if only_if;
	enum verdict verdict;
	const char *why;
};

/* clang-format off */
static const struct row rows[] = {
{ EMPTY, ANY, ANY, ALWAYS, VERDICT_NOTHING,
  "the journal is empty, so nothing was begun" },
{ FINAL, ANY, ANY, ALWAYS, VERDICT_NOTHING,
  "the journal says that all was finished before" },
{ J(DESTRUN), ANY, ANY, ALWAYS, VERDICT_FINISH,
  "the guest was seen running on the destination, so the source must not" },

{ UNCOMMITTED, S(UNKNOWN), ANY, ALWAYS, VERDICT_HOLD,
  "the source cannot be asked and may run the guest" },
{ UNCOMMITTED, ANY, S(RUNS), ALWAYS, VERDICT_PERSON,
  "the guest runs on the destination, where this migration never started it" },
{ UNCOMMITTED, ANY, MOVED_ON, ALWAYS, VERDICT_PERSON,
  "somebody has migrated the guest away from the destination, where this "
  "migration never started it" },
{ UNCOMMITTED, ALIVE, ANY, ALWAYS, VERDICT_ABORT,
  "the guest was never started on the destination, so it stays on the source" },
{ UNCOMMITTED, S(ENDED), ANY, ALWAYS, VERDICT_LOST,
  "the guest ended by itself on the source" },

/* the source is proved gone from here to the next blank line */
{ J(SWITCH), S(GONE), S(PAUSED) | S(UNKNOWN), DISKS_STALE, VERDICT_LOST,
  "QEMU is gone from the source, and the destination's disks are not "
  "complete" },
{ J(SWITCH), S(GONE), S(UNKNOWN), ALWAYS, VERDICT_HOLD,
  "QEMU is gone from the source, and the destination, which may hold all of "
  "the guest, cannot be asked" },
{ J(SWITCH), S(GONE), S(PAUSED), UNWATCHED, VERDICT_PERSON,
  "QEMU is gone from the source, and nobody saw whether the guest ran on there "
  "after the destination had its copy, which may be old" },
{ J(SWITCH), S(GONE), S(PAUSED), ALWAYS, VERDICT_FORWARD,
  "QEMU is gone from the source, and the destination holds all of the guest" },
{ J(ABORTING), S(GONE), ANY, ALWAYS, VERDICT_LOST,
  "QEMU is gone from the source, to which the guest had gone back" },
{ UNCOMMITTED, S(GONE), ANY, ALWAYS, VERDICT_LOST,
  "QEMU is gone from the source, and the destination does not hold all of the "
  "guest" },

{ COMMITTED, KEEPS, ANY, ALWAYS, VERDICT_PERSON,
  "the guest was handed over, yet somebody has continued it on the source" },
{ COMMITTED, ANY, S(RUNS), ALWAYS, VERDICT_FINISH,
  "the guest runs on the destination" },
{ COMMITTED, ANY, S(ENDED), ALWAYS, VERDICT_FINISH,
  "the guest was handed over and ended by itself on the destination" },
{ COMMITTED, ANY, MOVED_ON, ALWAYS, VERDICT_PERSON,
  "the guest was handed over, and somebody has migrated it on from there" },
{ COMMITTED, S(ENDED), ANY, ALWAYS, VERDICT_PERSON,
  "the guest was handed over, yet it ran again and ended on the source" },
{ COMMITTED, S(UNKNOWN), ANY, ALWAYS, VERDICT_HOLD,
  "the source cannot be asked, and the guest does not run on the destination" },
{ COMMITTED, OVER, S(UNKNOWN), ALWAYS, VERDICT_HOLD,
  "the destination cannot be asked and may run the guest" },
{ COMMITTED, OVER, S(MOVING), ALWAYS, VERDICT_HOLD,
  "the destination is still loading the guest" },
{ COMMITTED, S(GONE), S(GONE), ALWAYS, VERDICT_LOST,
  "QEMU is gone from both hosts" },
{ J(COMMIT), OVER, S(PAUSED), ALWAYS, VERDICT_FORWARD,
  "the source has handed the guest over, and it waits on the destination" },
{ J(COMMIT), S(POSTMIGRATE), S(GONE), ALWAYS, VERDICT_PERSON,
  "QEMU is gone from the destination, and the guest may have run there" },
{ J(ROLLBACK), S(POSTMIGRATE), S(PAUSED) | S(GONE), ALWAYS, VERDICT_TAKE_BACK,
  "the destination refused to run the guest, and the source still has it" },
{ J(ROLLBACK), S(GONE), S(PAUSED), ALWAYS, VERDICT_FORWARD,
  "the destination refused to run the guest, but has the only copy of it" },

/* no valid input gets here */
{ ANY, ANY, ANY, ALWAYS, VERDICT_HOLD,
  "no rule covers this state" },
};
/* clang-format on */

/* A value from outside its enum is in no set. */
static bool in_set(unsigned set, unsigned value)
{
	return value < 32 && (set & (1u << value));
}

static bool condition_holds(enum only_if c, const struct verdict_input *in)
{
	switch (c) {
	case DISKS_STALE:
		return in->disks_moved && !in->disks_synced;
	case UNWATCHED:
		return in->source_unwatched;
	case ALWAYS:
		break;
	}
	return true;
}

static bool matches(const struct row *r, const struct verdict_input *in)
{
	return in->journal <= JOURNAL_RECORDS && in->source < SIDE_STATES &&
	       in->destination < SIDE_STATES &&
	       in_set(r->journal, in->journal) &&
	       in_set(r->source, in->source) &&
	       in_set(r->destination, in->destination) &&
	       condition_holds(r->only_if, in);
}

struct verdict_output verdict_decide(const struct verdict_input *in)
{
	const struct row *r = rows;
	const struct row *last = rows + ARRAY_SIZE(rows) - 1;

	while (r < last && !matches(r, in))
		r++;
	return (struct verdict_output){ r->verdict, r->why };
}
