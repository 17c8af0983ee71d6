/* SPDX-License-Identifier: MIT */
/*
 * recover: after any crash, finishes a run or undoes it.
 *
 * Idempotent: every step is recorded before it is taken and observed after, so
 * a recovery that crashes itself is simply run again.
 */
#ifndef ENGINE_RECOVER_H
#define ENGINE_RECOVER_H

#include "engine/migrate.h"
#include "engine/verdict.h"

/* Everything is borrowed. */
struct recover_options {
	const char
		*word; /* guest, UUID or run id; NULL: every unfinished run */
	struct host_options ssh;
	const char *state_dir; /* NULL: the usual one */
	event_sink *sink;
	void *sink_arg;
};

/* What became of one unfinished run. */
struct recovery {
	enum verdict verdict;
	enum journal_record journal; /* how far the run had come */
	enum side_state source, destination;
	struct strv did;      /* sentences, in order */
	struct result result; /* guest, owner, error, left-overs */
};
int recovery_exit_code(const struct recovery *r);
/* {"run","guest","outcome","owner","did",…}; owned. */
struct json_object *recovery_to_json(const struct recovery *r);

struct recoveries {
	struct recovery *v;
	size_t n;
};

/*
 * Recovers what @opt names; to be called from a task. 0 with one entry a run
 * (none: nothing is unfinished), also when some of them must be held. -1 when
 * the state directory cannot be read.
 */
int recover_run(const struct recover_options *opt, struct recoveries *out,
		struct err *err);
void recoveries_free(struct recoveries *list);

#endif
