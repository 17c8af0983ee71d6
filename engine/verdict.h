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
 * destination refused `cont` and was seen dead (ROLLBACK).
 */
#ifndef ENGINE_VERDICT_H
#define ENGINE_VERDICT_H

#include <stdbool.h>

#include "engine/journal.h"

/* What one side's QEMU was seen to be. */
enum side_state {
	SIDE_UNKNOWN,	  /* host or monitor cannot be asked: may be anything */
	SIDE_GONE,	  /* proved: no such process any more */
	SIDE_RUNS,	  /* runs the guest */
	SIDE_PAUSED,	  /* source: stopped by its user; destination: loaded
		       * (migration completed) and paused */
	SIDE_MOVING,	  /* source: setup, active, pre-switchover, cancelling;
		       * destination: inmigrate */
	SIDE_DEVICE,	  /* source only: sending the device state */
	SIDE_POSTMIGRATE, /* source only: has handed over */
	SIDE_ENDED,	  /* the guest shut down or panicked in it */
	SIDE_STATES
};
const char *side_state_name(enum side_state s);

enum verdict {
	VERDICT_NOTHING,   /* finished before: nothing to do */
	VERDICT_ABORT,	   /* undo: end the migration, source goes on if it ran,
			  * destination quits */
	VERDICT_FORWARD,   /* COMMIT if not yet, `cont` on the destination, then
			  * as VERDICT_FINISH */
	VERDICT_FINISH,	   /* it runs over there: quit the source, names */
	VERDICT_TAKE_BACK, /* destination quits, is seen gone, then the source
			    * goes on */
	VERDICT_LOST, /* the guest is gone with its host or ended by itself:
			  * clean up */
	VERDICT_HOLD, /* one side must be asked first: do nothing, try again */
	VERDICT_PERSON, /* it may have run over there and is gone: a person
			  * decides */
	VERDICTS
};
const char *verdict_name(enum verdict v);

struct verdict_input {
	enum journal_record journal;
	enum side_state source, destination;
	bool was_running;  /* the guest's first run state */
	bool disks_moved;  /* mirrored disks: the source's are not current
			     * unless they were synced */
	bool disks_synced; /* meaningful with disks_moved */
	/*
	 * Meaningful with a source that is gone: nobody saw it stand still all
	 * the time from SWITCH to its end. QEMU goes on by itself when the
	 * stream breaks, so what the destination holds may be old by now. Set
	 * it after any crash of the engine and after a RESUME of the source.
	 */
	bool source_unwatched;
};

struct verdict_output {
	enum verdict verdict;
	const char *why; /* one sentence, a literal */
};

/* Total: answers for every input. */
struct verdict_output verdict_decide(const struct verdict_input *in);

#endif
