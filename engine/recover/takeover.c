/* SPDX-License-Identifier: MIT */
/* takeover: a run is brought back from its journal, by one process alone. */
#include "engine/recover/takeover.h"

#include <errno.h>

#include "engine/run/lock.h"
#include "engine/run/reach.h"
#include "engine/run/restore.h"
#include "engine/run/run_journal.h"
#include "engine/state/journal.h"
#include "transport/base/task.h"

enum { POLL_MS = 50, WAIT_MS = 15000 };

static bool is_rest(const struct takeover *t, const struct run *r)
{
	return unfinished_is_rest(&t->view, &r->src.facts.space);
}

/*
 * The holder of a lock is another recovery, of the guardian or of a person, or
 * an engine that is about to refuse: that does not take long. The run's own
 * engine does.
 */
static bool may_wait(const struct run *r, struct mono until, struct err *err)
{
	if (err->kind != ERR_BUSY || lock_is_driven(r) ||
	    mono_before(until, mono_now()))
		return false;
	err_reset(err);
	return task_sleep_until(mono_in_ms(POLL_MS), err) == 0;
}

static int lock(struct run *r, struct mono until, struct err *err)
{
	while (lock_take(r, err) < 0) {
		if (!may_wait(r, until, err))
			return -1;
	}
	return 0;
}

/* Without it, for another reason than that it is busy, one can go on. */
static int reopen(struct takeover *t, struct run *r, struct mono until,
		  struct err *closed, struct err *err)
{
	while (run_journal_reopen(r, t->path, closed) < 0) {
		if (closed->kind != ERR_BUSY)
			return 0;
		if (!may_wait(r, until, closed)) {
			err_move(err, closed);
			return -1;
		}
	}
	return 0;
}

/* It may have gone on, or been finished, before we had its lock. */
static int read_again(struct takeover *t, struct err *err)
{
	journal_view_free(&t->view);
	if (journal_read(t->path, &t->view, err) < 0) {
		t->finished = errno == ENOENT;
		return -1;
	}
	/* it is about to be removed */
	t->finished = journal_record_is_final(journal_state(&t->view));
	return t->finished ? err_set(err, ERR_BUSY, "%s was finished meanwhile",
				     t->path)
			   : 0;
}

void takeover_let_go(struct takeover *t, struct run *r)
{
	t->rest = true;
	reach_close_monitors(&r->src);
	(void)lock_release(r, NULL);
}

int takeover(struct takeover *t, struct run *r, struct err *closed,
	     struct err *err)
{
	struct mono until = mono_in_ms(t->at_once ? 0 : WAIT_MS);

	t->rest = is_rest(t, r);
	if ((!t->rest && lock(r, until, err) < 0) ||
	    reopen(t, r, until, closed, err) < 0 || read_again(t, err) < 0 ||
	    restore_run(r, &t->view, err) < 0)
		return -1;
	if (is_rest(t, r))
		takeover_let_go(t, r);
	return 0;
}
