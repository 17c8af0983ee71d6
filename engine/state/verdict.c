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
 *                                          seen to run there
 *
 * Without COMMIT the destination never ran, so the source may go on whatever
 * has become of the other side. With it, only ROLLBACK and a destination that
 * is gone give the guest back.
 *
 * What was seen to run where it should not (SEEN) leaves the decision to a
 * person from then on: which copy is newer cannot be known any more.
 *
 * Behind POSTCOPY the source decides whether there is a way back: while it
 * runs, is paused or is still moving, post-copy has not begun, and it owns the
 * guest as without COMMIT; in any other state it never will again.
 *
 * A person's choice is looked up in tables of its own, after the first one has
 * left the case open. They begin with what is refused.
 */
#include "engine/state/verdict.h"

#include <assert.h>

#include "transport/base/xalloc.h"

static const char *const side_names[] = {
	[SIDE_UNKNOWN] = "unknown",   [SIDE_GONE] = "gone",
	[SIDE_RUNS] = "runs",	      [SIDE_PAUSED] = "paused",
	[SIDE_MOVING] = "moving",     [SIDE_DEVICE] = "device",
	[SIDE_ENDED] = "ended",	      [SIDE_POSTMIGRATE] = "postmigrate",
	[SIDE_POSTCOPY] = "postcopy",
};
static_assert(ARRAY_SIZE(side_names) == SIDE_STATES, "a name for each state");

static const char *const verdict_names[] = {
	[VERDICT_NOTHING] = "nothing", [VERDICT_ABORT] = "abort",
	[VERDICT_FORWARD] = "forward", [VERDICT_FINISH] = "finish",
	[VERDICT_LOST] = "lost",       [VERDICT_TAKE_BACK] = "take-back",
	[VERDICT_HOLD] = "hold",       [VERDICT_PERSON] = "person",
	[VERDICT_JOIN] = "join",
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
	/* the destination never got `cont`, or is gone (ABORTING) */
	UNCOMMITTED = J(BEGIN) | J(PREP) | J(DEST) | J(MIRROR) | J(MIGRATE) |
		      J(SWITCH) | J(DISKS_SYNCED) | J(ABORTING),
	/* the destination may hold all of it, without `cont` yet */
	FILLED = J(SWITCH) | J(DISKS_SYNCED),
	COMMITTED = J(COMMIT) | J(ROLLBACK),
	/* a source that has not handed over: it runs, or may by itself */
	KEEPS = S(RUNS) | S(PAUSED) | S(MOVING) | S(DEVICE),
	ALIVE = KEEPS | S(POSTMIGRATE),
	OVER = S(POSTMIGRATE) | S(GONE),
	/* a source that has not stopped for a migration, or not any more */
	OWNS = S(RUNS) | S(PAUSED),
	/* a destination from which somebody else has migrated the guest */
	MOVED_ON = S(DEVICE) | S(POSTMIGRATE),
};

enum only_if {
	ALWAYS,
	DISKS_STALE, /* asked without COMMIT only: the destination's disks may
		      * lack the last writes */
	UNWATCHED,   /* the source may have run on before it ended */
	SOURCE_RAN,
	DESTINATION_RAN,
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
{ UNCOMMITTED, S(MOVING) | S(DEVICE), ANY, ALWAYS, VERDICT_ABORT,
  "the source has not handed the guest over, so it stays there" },
{ UNCOMMITTED | COMMITTED, S(POSTCOPY), ANY, ALWAYS, VERDICT_PERSON,
  "post-copy was begun, which this migration never asked for" },
{ (UNCOMMITTED & ~J(ABORTING)) | COMMITTED, ANY, S(POSTCOPY), ALWAYS,
  VERDICT_PERSON,
  "post-copy was begun, which this migration never asked for" },
/* else ABORTING came after a post-copy that did not come about */
{ J(ABORTING), S(POSTMIGRATE), S(POSTCOPY), ALWAYS, VERDICT_PERSON,
  "post-copy was begun, which this migration never asked for" },
{ UNCOMMITTED, ANY, S(RUNS), ALWAYS, VERDICT_PERSON,
  "the guest runs on the destination, where this migration never started it" },
{ UNCOMMITTED, ANY, MOVED_ON, ALWAYS, VERDICT_PERSON,
  "somebody has migrated the guest away from the destination, where this "
  "migration never started it" },
{ UNCOMMITTED & ~J(ABORTING), ANY, ANY, DESTINATION_RAN, VERDICT_PERSON,
  "the guest was seen to run on the destination, where this migration never "
  "started it" },
/* else the source's copy was chosen, and the destination's is gone */
{ J(ABORTING), ANY, ~S(GONE), DESTINATION_RAN, VERDICT_PERSON,
  "the guest was seen to run on the destination, where this migration never "
  "started it" },
{ UNCOMMITTED, ALIVE, ANY, ALWAYS, VERDICT_ABORT,
  "the guest was never started on the destination, so it stays on the source" },
{ UNCOMMITTED, S(ENDED), ANY, ALWAYS, VERDICT_LOST,
  "the guest ended by itself on the source" },

/* the source is proved gone from here to the next blank line */
{ FILLED, S(GONE), S(PAUSED) | S(UNKNOWN), DISKS_STALE, VERDICT_LOST,
  "QEMU is gone from the source, and the destination's disks are not "
  "complete" },
{ FILLED, S(GONE), S(UNKNOWN), ALWAYS, VERDICT_HOLD,
  "QEMU is gone from the source, and the destination, which may hold all of "
  "the guest, cannot be asked" },
{ FILLED, S(GONE), S(PAUSED), UNWATCHED, VERDICT_PERSON,
  "QEMU is gone from the source, and nobody saw whether the guest ran on there "
  "after the destination had its copy, which may be old" },
{ FILLED, S(GONE), S(PAUSED), ALWAYS, VERDICT_FORWARD,
  "QEMU is gone from the source, and the destination holds all of the guest" },
{ J(ABORTING), S(GONE), ANY, ALWAYS, VERDICT_LOST,
  "QEMU is gone from the source, to which the guest had gone back" },
{ UNCOMMITTED, S(GONE), ANY, ALWAYS, VERDICT_LOST,
  "QEMU is gone from the source, and the destination does not hold all of the "
  "guest" },

{ COMMITTED, KEEPS, ANY, ALWAYS, VERDICT_PERSON,
  "the guest was handed over, yet somebody has continued it on the source" },
{ COMMITTED, S(GONE), S(GONE), ALWAYS, VERDICT_LOST,
  "QEMU is gone from both hosts" },
{ COMMITTED, S(GONE), S(ENDED), ALWAYS, VERDICT_FINISH,
  "the guest was handed over and ended by itself on the destination" },
{ COMMITTED, ANY, ANY, SOURCE_RAN, VERDICT_PERSON,
  "the guest was handed over, yet it was seen to run on the source since then, "
  "so that the destination's copy is old" },
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
{ J(COMMIT), OVER, S(PAUSED), ALWAYS, VERDICT_FORWARD,
  "the source has handed the guest over, and it waits on the destination" },
{ J(COMMIT), S(POSTMIGRATE), S(GONE), ALWAYS, VERDICT_PERSON,
  "QEMU is gone from the destination, and the guest may have run there" },
{ J(ROLLBACK), S(POSTMIGRATE), S(PAUSED) | S(GONE), DESTINATION_RAN,
  VERDICT_PERSON,
  "the guest was seen to run on the destination, which had refused to run it" },
{ J(ROLLBACK), S(POSTMIGRATE), S(PAUSED) | S(GONE), ALWAYS, VERDICT_TAKE_BACK,
  "the destination refused to run the guest, and the source still has it" },
{ J(ROLLBACK), S(GONE), S(PAUSED), ALWAYS, VERDICT_FORWARD,
  "the destination refused to run the guest, but has the only copy of it" },

/* post-copy has not begun, whatever the record says */
{ J(POSTCOPY), S(MOVING), ANY, ALWAYS, VERDICT_ABORT,
  "post-copy has not begun, so the guest stays on the source" },
{ J(POSTCOPY), S(DEVICE), ANY, ALWAYS, VERDICT_HOLD,
  "the source is on its way into post-copy, or back" },
{ J(POSTCOPY), OWNS | S(ENDED), S(RUNS) | S(ENDED) | MOVED_ON, ALWAYS,
  VERDICT_PERSON,
  "the guest went over by post-copy, yet somebody has continued it on the "
  "source" },
{ J(POSTCOPY), OWNS | S(ENDED), S(UNKNOWN), ALWAYS, VERDICT_HOLD,
  "the guest went on on the source, and the destination cannot be asked" },
{ J(POSTCOPY), OWNS, ANY, ALWAYS, VERDICT_ABORT,
  "post-copy did not come about, so the guest stays on the source" },
{ J(POSTCOPY), S(ENDED), ANY, ALWAYS, VERDICT_LOST,
  "the guest ended by itself on the source" },

/* from here on the source never runs again */
{ J(POSTCOPY), ANY, S(RUNS), ALWAYS, VERDICT_FINISH,
  "the guest runs on the destination and has all of its memory there" },
{ J(POSTCOPY), ANY, S(ENDED), ALWAYS, VERDICT_FINISH,
  "the guest went over by post-copy and ended by itself on the destination" },
{ J(POSTCOPY), ANY, MOVED_ON, ALWAYS, VERDICT_PERSON,
  "the guest went over by post-copy, and somebody has migrated it on from "
  "there" },
{ J(POSTCOPY), S(UNKNOWN), ANY, ALWAYS, VERDICT_HOLD,
  "the source cannot be asked and may hold memory that the destination lacks" },
{ J(POSTCOPY), ANY, S(UNKNOWN), ALWAYS, VERDICT_HOLD,
  "the destination cannot be asked and may run the guest" },
{ J(POSTCOPY), S(POSTMIGRATE), S(GONE), ALWAYS, VERDICT_PERSON,
  "QEMU is gone from the destination, where the guest may have run, and the "
  "source must not be continued" },
{ J(POSTCOPY), ANY, S(GONE), ALWAYS, VERDICT_LOST,
  "QEMU is gone from the destination, to which the guest went by post-copy" },
/* the gate may have been that of pre-copy, from which the source falls back */
{ J(POSTCOPY), S(GONE), S(PAUSED), UNWATCHED, VERDICT_PERSON,
  "QEMU is gone from the source, and nobody saw whether the guest ran on there "
  "after the destination had its copy, which may be old" },
{ J(POSTCOPY), ANY, S(PAUSED), ALWAYS, VERDICT_FORWARD,
  "the destination has got all of the guest, and it waits there" },
{ J(POSTCOPY), S(GONE), ANY, ALWAYS, VERDICT_LOST,
  "QEMU is gone from the source, and with it memory that the destination "
  "lacks" },
{ J(POSTCOPY), S(POSTCOPY), S(POSTCOPY), ALWAYS, VERDICT_JOIN,
  "the destination lacks memory that the source still holds" },
{ J(POSTCOPY), ANY, ANY, ALWAYS, VERDICT_HOLD,
  "the destination is still loading the guest" },

/* no valid input gets here */
{ ANY, ANY, ANY, ALWAYS, VERDICT_HOLD,
  "no rule covers this state" },
};

static const struct row continue_rows[] = {
{ J(POSTCOPY), ANY, ANY, ALWAYS, VERDICT_HOLD,
  "refused: after post-copy the source can never go on; the destination has to "
  "answer, or to be gone" },
{ ANY, S(UNKNOWN), ANY, ALWAYS, VERDICT_HOLD,
  "refused: the source cannot be asked; it has to answer first" },
{ ANY, S(GONE), ANY, ALWAYS, VERDICT_HOLD,
  "refused: QEMU is gone from the source, and its copy of the guest with it" },
{ ANY, S(POSTCOPY), ANY, ALWAYS, VERDICT_HOLD,
  "refused: post-copy has stopped the source for good" },
{ ANY, ANY, S(UNKNOWN), ALWAYS, VERDICT_HOLD,
  "refused: the destination cannot be asked and may run the guest; it has to "
  "answer, or to be seen gone, first" },
{ ANY, ANY, S(RUNS) | S(POSTCOPY), ALWAYS, VERDICT_HOLD,
  "refused: the guest may run on the destination; QEMU has to be gone from "
  "there first" },
{ ANY, ANY, MOVED_ON, ALWAYS, VERDICT_HOLD,
  "refused: somebody has migrated the guest on from the destination, and it "
  "may run there; that QEMU has to be gone first" },
{ ANY, S(MOVING) | S(DEVICE), ANY, ALWAYS, VERDICT_HOLD,
  "refused: somebody migrates the guest from the source again; that has to "
  "end first" },

{ UNCOMMITTED, OWNS | S(ENDED) | S(POSTMIGRATE), S(GONE), ALWAYS, VERDICT_ABORT,
  "the source's copy was chosen, and QEMU is gone from the destination" },
{ UNCOMMITTED, OWNS | S(ENDED) | S(POSTMIGRATE), ANY, ALWAYS, VERDICT_TAKE_BACK,
  "the source's copy was chosen, and the guest does not run on the "
  "destination" },
{ COMMITTED, OWNS | S(ENDED), S(GONE), ALWAYS, VERDICT_ABORT,
  "the source's copy was chosen and has gone on already, and QEMU is gone from "
  "the destination" },
{ COMMITTED, OWNS | S(ENDED) | S(POSTMIGRATE), ANY, ALWAYS, VERDICT_TAKE_BACK,
  "the source's copy was chosen, and the guest does not run on the "
  "destination" },

/* no valid input gets here */
{ ANY, ANY, ANY, ALWAYS, VERDICT_HOLD,
  "refused: no rule covers this state" },
};

static const struct row discard_rows[] = {
{ ANY, S(UNKNOWN), ANY, ALWAYS, VERDICT_HOLD,
  "refused: the source cannot be asked and may run the guest; it has to "
  "answer, or to be seen gone, first" },
{ ANY, KEEPS, ANY, ALWAYS, VERDICT_HOLD,
  "refused: the guest is alive on the source; it has to be gone from there, or "
  "handed over, first" },
{ ANY, S(ENDED), ANY, ALWAYS, VERDICT_HOLD,
  "refused: the guest has ended on the source, later than the destination's "
  "copy was made; QEMU has to be gone from the source first" },
{ ANY, S(POSTCOPY), ANY, ALWAYS, VERDICT_HOLD,
  "refused: the source holds memory that the destination lacks" },
{ ANY, ANY, S(UNKNOWN), ALWAYS, VERDICT_HOLD,
  "refused: the destination cannot be asked whether it has all of the guest; "
  "it has to answer first" },
{ ANY, ANY, MOVED_ON, ALWAYS, VERDICT_HOLD,
  "refused: somebody has migrated the guest on from the destination; that has "
  "to end, and QEMU to be gone from there, first" },
{ UNCOMMITTED, ANY, S(PAUSED) | S(RUNS), DISKS_STALE, VERDICT_HOLD,
  "refused: the destination's disks are not complete" },

{ FILLED, S(POSTMIGRATE), S(PAUSED), DESTINATION_RAN, VERDICT_FORWARD,
  "the destination's copy was chosen, which has run already" },
{ COMMITTED, S(POSTMIGRATE), ANY, SOURCE_RAN, VERDICT_HOLD,
  "refused: the guest ran on on the source, and somebody has migrated it from "
  "there; QEMU has to be gone from the source first" },
{ J(ROLLBACK), S(POSTMIGRATE), S(PAUSED), DESTINATION_RAN, VERDICT_FORWARD,
  "the destination's copy was chosen, which has run already" },
{ COMMITTED, S(GONE), S(RUNS), SOURCE_RAN, VERDICT_FINISH,
  "the destination's copy was chosen and runs already, and QEMU is gone from "
  "the source" },
{ FILLED | COMMITTED | J(POSTCOPY), S(GONE), S(PAUSED), ALWAYS, VERDICT_FORWARD,
  "the destination's copy was chosen, and QEMU is gone from the source" },
{ FILLED | J(ABORTING), OVER, S(RUNS), ALWAYS, VERDICT_FINISH,
  "the destination's copy was chosen and runs already, and the guest does not "
  "run on the source" },

{ ANY, ANY, ANY, ALWAYS, VERDICT_HOLD,
  "refused: the destination does not have all of the guest" },
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
		return in->disks_moved && in->journal != JOURNAL_DISKS_SYNCED;
	case UNWATCHED:
		return in->source_unwatched;
	case SOURCE_RAN:
		return in->source_ran;
	case DESTINATION_RAN:
		return in->destination_ran;
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

/* The last row of a table matches all that is left. */
static struct verdict_output look_up(const struct row *table, size_t n,
				     const struct verdict_input *in)
{
	const struct row *r = table;
	const struct row *last = table + n - 1;

	while (r < last && !matches(r, in))
		r++;
	return (struct verdict_output){ r->verdict, r->why };
}

struct verdict_output verdict_decide(const struct verdict_input *in)
{
	return look_up(rows, ARRAY_SIZE(rows), in);
}

static bool is_open(enum verdict v)
{
	return v == VERDICT_HOLD || v == VERDICT_PERSON;
}

bool verdict_ignores_destination(const struct verdict_input *in)
{
	struct verdict_input other = *in;
	enum verdict first;

	other.destination = SIDE_UNKNOWN;
	first = verdict_decide(&other).verdict;
	for (int d = 0; d < SIDE_STATES; d++) {
		other.destination = (enum side_state)d;
		if (verdict_decide(&other).verdict != first)
			return false;
	}
	return !is_open(first);
}

struct verdict_output verdict_force(const struct verdict_input *in,
				    enum verdict_choice choice)
{
	struct verdict_output out = verdict_decide(in);

	if (!is_open(out.verdict))
		return out;
	switch (choice) {
	case CHOICE_CONTINUE:
		return look_up(continue_rows, ARRAY_SIZE(continue_rows), in);
	case CHOICE_DISCARD:
		return look_up(discard_rows, ARRAY_SIZE(discard_rows), in);
	case CHOICE_NONE:
	case CHOICES:
		break;
	}
	return out;
}
