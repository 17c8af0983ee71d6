/* SPDX-License-Identifier: MIT */
/*
 * verdict: who owns the guest after a crash, and what to do; pure.
 *
 * Theory of operation. Recovery looks up a triple: the journal's last record,
 * what the source's QEMU says, and what the destination's says (both fenced: a
 * fresh greeting on a monitor means that no command of an earlier client takes
 * effect any more). The table is total: every triple has a verdict. Why it is
 * safe: `cont` goes to the destination only after COMMIT is on disk, and the
 * destination cannot start by itself (-S), so without COMMIT it never ran, and
 * the source may go on; with COMMIT the source may run again only when the
 * destination refused `cont` and was seen dead (ROLLBACK). POSTCOPY is a COMMIT
 * that takes effect when post-copy begins. It begins only by `migrate-continue`
 * (the source has pause-before-switchover), and the destination is made to run
 * only once the source was seen to be SIDE_POSTCOPY or SIDE_POSTMIGRATE; from
 * these no verdict and no choice of a person lets it go on.
 */
#ifndef ENGINE_STATE_VERDICT_H
#define ENGINE_STATE_VERDICT_H

#include <stdbool.h>

#include "engine/state/journal_record.h"

/* What one side's QEMU was seen to be. */
enum side_state {
	SIDE_UNKNOWN,	  /* host or monitor cannot be asked: may be anything */
	SIDE_GONE,	  /* proved: no such process any more */
	SIDE_RUNS,	  /* runs the guest */
	SIDE_PAUSED,	  /* source: stopped by its user, or left paused by a
		       * migration that failed; destination: loaded
		       * (migration completed) and paused */
	SIDE_MOVING,	  /* source: setup, active, pre-switchover, cancelling;
		       * destination: inmigrate */
	SIDE_DEVICE,	  /* source only: sending the device state, also that of
		       * a post-copy which may yet fall back */
	SIDE_POSTMIGRATE, /* source only: has handed over (completed) */
	SIDE_ENDED,	  /* the guest shut down or panicked in it */
	SIDE_POSTCOPY,	  /* any postcopy status; source: stopped for good (seen
		       * so again after some seconds: a start that fails
		       * falls back at once); destination: the guest is in
		       * it, running or not, but some of its memory is not */
	SIDE_STATES
};
const char *side_state_name(enum side_state s);

enum verdict {
	VERDICT_NOTHING,   /* finished before: nothing to do */
	VERDICT_ABORT,	   /* undo: end the migration, source goes on if it ran,
			  * destination quits */
	VERDICT_FORWARD,   /* COMMIT if not yet (POSTCOPY is one, and none comes
			  * after it), `cont` on the destination, then as
			  * VERDICT_FINISH */
	VERDICT_FINISH,	   /* it runs there: quit the source, names */
	VERDICT_TAKE_BACK, /* destination quits, is seen gone, then the source
			    * goes on */
	VERDICT_LOST, /* the guest is gone with its host or ended by itself:
			  * clean up; a source that is SIDE_POSTCOPY is quit and
			  * seen gone before ABORTING is written, which would
			  * revive it */
	VERDICT_HOLD, /* one side must be asked first: do nothing, try again */
	VERDICT_PERSON, /* it may have run there and is gone: a person
			  * decides */
	VERDICT_JOIN, /* post-copy's stream is to be mended, and `cont` sent if
			  * the guest does not run yet; once the destination is
			  * complete, as VERDICT_FINISH */
	VERDICTS
};
const char *verdict_name(enum verdict v);

struct verdict_input {
	enum journal_record journal;
	enum side_state source, destination;
	/*
	 * The journal has a MIRROR record: the destination's disks are its own,
	 * and complete only from DISKS_SYNCED on.
	 */
	bool disks_moved;
	/*
	 * Meaningful with a source that is gone: it was not seen to be stopped
	 * all the time from SWITCH to its end. QEMU goes on by itself when the
	 * stream breaks, so what the destination holds may be old by now. Set
	 * it after any crash of the engine and after a RESUME of the source.
	 */
	bool source_unwatched;
	/*
	 * SEEN in the journal, or so now: what was seen once counts for ever.
	 * The source was seen to run on after COMMIT, so that the destination's
	 * copy is old; or the destination to have run without.
	 */
	bool source_ran, destination_ran;
};

struct verdict_output {
	enum verdict verdict;
	const char *why; /* one sentence, a literal */
};

/* Total: answers for every input. */
struct verdict_output verdict_decide(const struct verdict_input *in);

/*
 * True when verdict_decide() says the same whatever the destination is, and
 * there is something to do: the source is acted on at once, as its guest may be
 * stopped, and the destination asked later. False where the case is open
 * (HOLD, PERSON), as a person's choice depends on the destination. True without
 * COMMIT for a source that is moving or sends its device state: it cannot have
 * handed over, or QEMU itself lets it go on when the stream breaks. Not for one
 * in postmigrate: a destination that somebody has continued by hand must be
 * seen first.
 */
bool verdict_ignores_destination(const struct verdict_input *in);

/* Whose copy of the guest a person wants. */
enum verdict_choice {
	CHOICE_NONE,
	CHOICE_CONTINUE, /* the source's goes on, the destination's is quit */
	CHOICE_DISCARD,	 /* the source's is given up for the destination's */
	CHOICES
};

/*
 * What a person may have done. Total. A choice matters only where
 * verdict_decide() leaves it open (HOLD, PERSON); else its answer is kept. A
 * choice that could make two running guests, or start a copy beside a newer one
 * that lives, is refused: HOLD, with what would have to be true. A choice that
 * is granted may still lose what the guest did last: on shared disks the copy
 * that goes on may be older than they are.
 */
struct verdict_output verdict_force(const struct verdict_input *in,
				    enum verdict_choice choice);

#endif
