/* SPDX-License-Identifier: MIT */
/*
 * stage: a migration as a table of stages and the runner that walks it.
 *
 * Theory of operation. Each stage has `run` (do it), `observe` (is it so, asked
 * from outside, without believing what `run` returned) and `undo` (make it as
 * it was; must be right for a stage that ran, half ran, or never ran). The
 * runner is dumb: forward through the table; at the first failure before the
 * point of no return, backward through every stage that was begun, shielded
 * from cancel, collecting what could not be undone. From the stage marked
 * `no_return` on nothing is undone: the runner only goes forward.
 *
 * A migration that is turned back at its last look at the budget may be worth
 * another try (retry.c). Then it goes back to `launch` only, with the guest
 * locked and the run guarded all the time, and forward from there.
 *
 *   queue connect discover preflight lock journal guard launch prepare tunnel
 *   ──────────────────────── undo possible ──────────────────────────────────┐
 *                             start precopy switch │ commit resume finish ───┘
 */
#ifndef ENGINE_RUN_STAGE_H
#define ENGINE_RUN_STAGE_H

#include <stdbool.h>

#include "engine/event/event.h"
#include "engine/state/journal_record.h"
#include "transport/base/err.h"

struct run;

struct stage {
	const char *name;
	enum phase phase;
	int (*run)(struct run *r, struct err *err);
	int (*observe)(struct run *r, struct err *err); /* NULL: nothing */
	int (*undo)(struct run *r, struct err *err);	/* NULL: nothing */
	/* from the first stage that has it on: */
	bool changes;	/* something is changed somewhere */
	bool again;	/* a second try goes through it once more */
	bool no_return; /* there is only going forward */
	/* journal records written before and after it; NULL: none */
	const enum journal_record *before, *after; /* up to JOURNAL_RECORDS */
};

extern const struct stage stage_table[];
extern const unsigned int stage_count;

/* The first stage that changes something. */
unsigned int stage_first_change(void);
/* The first that a second try goes through once more. */
unsigned int stage_first_again(void);

/*
 * Runs stages [0, @end). 0, or -1 with what failed; everything that can be
 * undone is undone then, and left-overs are named in the result.
 */
int stage_run(struct run *r, unsigned int end, struct err *err);

#endif
