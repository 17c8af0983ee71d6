/* SPDX-License-Identifier: MIT */
/*
 * recover: after any crash, finishes a run or undoes it.
 *
 * Idempotent: every step is recorded before it is taken and observed after, so
 * a recovery that crashes itself is simply run again.
 */
#ifndef ENGINE_RECOVER_RECOVER_H
#define ENGINE_RECOVER_RECOVER_H

#include "engine/hosts/arrival.h"
#include "engine/recover/recovery.h"
#include "engine/recover/sentry.h"
#include "engine/run/migrate_options.h"
#include "engine/event/event.h"
#include "engine/state/verdict.h"

/* Everything is borrowed. */
struct recover_options {
	/*
	 * A guest's name or UUID, as this process's user means it (guest_id.h),
	 * or a run's id; NULL: every unfinished run.
	 */
	const char *word;
	/* what a person decided; refused where it could make two */
	enum verdict_choice choice;
	struct host_options ssh;
	/*
	 * A connection to the destination, open already, to be used (and taken)
	 * if it still answers; NULL, or a pointer to NULL: none.
	 */
	struct host **warm;
	const char *state_dir; /* NULL: the usual one */
	bool watch;	       /* the sources are to be watched afterwards */
	event_sink *sink;
	void *sink_arg;
};

struct recoveries {
	struct recovery *v;
	size_t n;
	/* of those that have moved, where it was asked for; to be taken over */
	struct sentry **sentries;
	size_t n_sentries;
	/* guests on their way to this host, driven (and recovered) elsewhere */
	struct arrivals arrivals;
};

/* The path of the journal of run @run, to be freed; NULL: see @err. */
char *recover_journal_path(const char *state_dir, const char *run,
			   struct err *err);

/*
 * Recovers what @opt names; to be called from a task. 0 with one entry a run
 * (none: nothing is unfinished), also when some of them must be held. -1 when
 * the state directory cannot be read, or the word means guests of several users
 * and none of this process's: ERR_AMBIGUOUS, and nothing was done.
 */
int recover_run(const struct recover_options *opt, struct recoveries *out,
		struct err *err);
void recoveries_free(struct recoveries *list);

#endif
