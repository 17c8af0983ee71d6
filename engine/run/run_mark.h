/* SPDX-License-Identifier: MIT */
/*
 * run_mark: a run's marks on the source, for `vmferry owns` (moved.h).
 *
 * The guest "leaves" from the first record of the journal on. When it runs on
 * the destination it has "moved"; when all is undone the mark goes. On one host
 * it goes nowhere, and has none.
 */
#ifndef ENGINE_RUN_RUN_MARK_H
#define ENGINE_RUN_RUN_MARK_H

#include "engine/run/run.h"
#include "engine/state/moved.h"

/*
 * What a mark of the move says, "" where the guest has no name or UUID.
 * Strings are borrowed from @r, but for what run_mark_free() frees.
 */
struct moved run_mark_of(const struct run *r);
void run_mark_free(struct moved *m);
/* False: nobody could ask for the guest. */
bool run_mark_is_one(const struct moved *m);

/* The run has begun. Warns when that cannot be published. */
void run_mark_leaving(struct run *r);
/*
 * Before the source ends: a script that would start it again asks for the mark
 * when it is gone. What fails is left over.
 */
void run_mark_moved(struct run *r);
/* The source is as it was, or the run has ended; its journal is there still. */
void run_mark_ended(struct run *r);

#endif
