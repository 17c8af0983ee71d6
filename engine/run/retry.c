/* SPDX-License-Identifier: MIT */
/* retry: one more try for a migration that was turned back. */
#include "engine/run/retry.h"

#include <stdlib.h>

#include "engine/run/learn.h"
#include "engine/run/migrate_options.h"
#include "engine/run/run.h"
#include "engine/run/run_events.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

/* With less of the budget than this the next one would not fit, either. */
static const double least_part = 0.5;

/*
 * As long again as this one took, from its QEMU on. A deadline that lifts the
 * budget lets the next one through in any case.
 */
static bool is_time_left(const struct run *r)
{
	struct mono now = mono_now();
	double left_s =
		r->opt->deadline_s - mono_diff_ms(now, r->started) / 1e3;
	double took_s = mono_diff_ms(now, r->attempt.begun_at) / 1e3;

	return r->opt->deadline_s <= 0 ||
	       left_s >= (r->attempt.wanted.force ? 0 : took_s);
}

bool retry_pays(const struct run *r, const struct err *err)
{
	return r->attempt.turned_back && err->kind == ERR_BUDGET &&
	       r->tries.n == 1 && !task_cancel_asked() && is_time_left(r);
}

bool retry_fits(double budget_ms, double paused_ms, double fixed_ms)
{
	double left_ms = budget_ms - paused_ms;

	return left_ms >= least_part * budget_ms && left_ms > fixed_ms;
}

/* The second try begins as the first did, but has had its turn already. */
static void forget(struct run *r)
{
	attempt_reset(&r->attempt);
	free(STEAL(r->result->decision));
	r->result->passes = r->result->transferred_bytes = -1;
}

/* The source runs as before; on the destination is what the journal knows. */
static bool is_as_before(struct run *r)
{
	return !r->result->leftovers.n && !r->source.unsure &&
	       !r->attempt.clock.stop_seen &&
	       r->source.facts.first_status.running && !r->dest.reconnected &&
	       run_events_guest_alive(r, NULL) == 0;
}

bool retry_begin(struct run *r, struct err *err)
{
	run_events_take(r);
	if (r->tries.paused_ms > 0)
		r->result->earlier_pause_ms = r->tries.paused_ms;
	if (task_cancel_asked()) {
		err_reset(err);
		err_set(err, ERR_CANCELLED, "cancelled");
		return false;
	}
	if (!is_as_before(r) ||
	    !retry_fits(r->opt->max_blackout_ms, r->tries.paused_ms,
			learn_likely_fixed_ms(r)))
		return false;
	run_warn(r, "retry",
		 "%s; %s runs on, and is tried once more, with %.0f ms of the "
		 "budget",
		 err->message, guest_label(&r->source.guest),
		 r->opt->max_blackout_ms - r->tries.paused_ms);
	r->tries.first_failure = xstrdup(err->message);
	forget(r);
	err_reset(err);
	return true;
}

void retry_explain(const struct run *r, struct err *err)
{
	if (!r->tries.first_failure || r->attempt.migrating ||
	    r->source.unsure || r->course.failed_in >= PHASE_PRECOPY ||
	    err->kind == ERR_ENDED || err->kind == ERR_UNDECIDED ||
	    err_has(err, ERR_CANCELLED))
		return;
	err_wrap(err, ERR_BUDGET, "%s; a second try did not begin",
		 r->tries.first_failure);
	err_hint(err, "give it a larger --max-blackout");
}
