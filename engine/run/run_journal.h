/* SPDX-License-Identifier: MIT */
/*
 * run_journal: what a run writes into its journal; restore.h reads it.
 *
 * The members of each record are in journal-format.md. The journal is in the
 * run's directory (state_dir.h), which is removed when the run ended with
 * nothing left to do.
 */
#ifndef ENGINE_RUN_RUN_JOURNAL_H
#define ENGINE_RUN_RUN_JOURNAL_H

#include "engine/state/journal.h"
#include "engine/state/journal_read.h"
#include "engine/run/run.h"

/* Makes the run's directory and journal, and writes BEGIN. A stage. */
int run_journal_begin(struct run *r, struct err *err);
/* Its undo: says what is left to do, or removes the journal. */
int run_journal_end(struct run *r, struct err *err);

/*
 * Writes @record with what is known now. Without a journal (none was begun) it
 * does nothing. When it fails, what it announces must not happen.
 */
int run_journal_write(struct run *r, enum journal_record record,
		      struct err *err);
/* As run_journal_write(), where a failure changes nothing any more: warns. */
void run_journal_note(struct run *r, enum journal_record record);
/*
 * Notes, after ABORTING, that the source is as it was before the run: what is
 * left to do is to be done on the destination. -1, with a warning unless there
 * is no journal, when it is not on disk.
 */
int run_journal_source_back(struct run *r);
/*
 * Whether a write has failed so that nobody knows what is on disk: the record
 * may count or not, and nothing is appended any more.
 */
bool run_journal_in_doubt(const struct run *r);
/*
 * Notes that the guest was seen to run on @side ("source", "destination")
 * where it should not: before anything is said or done about it.
 */
int run_journal_seen(struct run *r, const char *side, struct err *err);
/* Opens the journal at @path for a recovery; see journal_reopen(). */
int run_journal_reopen(struct run *r, const char *path, struct err *err);
/* Closes the journal; when @clean nothing can need it: removes it. */
void run_journal_close(struct run *r, bool clean);

#endif
