/* SPDX-License-Identifier: MIT */
/*
 * migrate: one live migration from the first connection to the receipt.
 *
 * Makes the run, walks the stages, turns what happened into a result.
 */
#include "engine/run/migrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/policy/policy.h"
#include "engine/policy/policy_auto.h"
#include "engine/run/guard.h"
#include "engine/run/migrate_options.h"
#include "engine/run/queue.h"
#include "engine/run/reach.h"
#include "engine/run/retry.h"
#include "engine/run/run.h"
#include "engine/run/run_events.h"
#include "engine/run/stage.h"
#include "engine/state/recording.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"

/* --- how it ended -------------------------------------------------------- */

/*
 * What a failure means once something may have been changed. Before that the
 * kind alone decides (outcome_of_error).
 */
static enum outcome outcome_of_failure(const struct run *r,
				       const struct err *err)
{
	if (err->kind == ERR_ENDED && (!r->course.committed || r->dest.ended))
		return OUTCOME_ENDED;
	if (r->course.committed || r->source.unsure)
		return OUTCOME_UNDECIDED;
	if (err_has(err, ERR_CANCELLED))
		return OUTCOME_CANCELLED;
	switch (err->kind) {
	case ERR_BUDGET:
		return OUTCOME_UNCONVERGED;
	case ERR_UNDECIDED:
		return OUTCOME_UNDECIDED;
	case ERR_BUSY:
		return OUTCOME_BUSY;
	case ERR_REFUSED:
		return OUTCOME_REFUSED;
	case ERR_INTERNAL:
		return OUTCOME_INTERNAL;
	case ERR_NETWORK:
		/* nothing was copied yet, so that it is a login like another */
		if (r->course.failed_in < PHASE_PRECOPY &&
		    !r->result->leftovers.n)
			return OUTCOME_UNREACHABLE;
		return OUTCOME_FAILED;
	default:
		return OUTCOME_FAILED;
	}
}

/*
 * Before the guest was locked for us another migration may have moved it; only
 * QEMU's own word says that the guest ended by itself.
 */
static void explain_loss(struct run *r, struct err *err)
{
	if (r->src.qmp)
		run_events_take(r);
	if (r->held.was_locked || r->source.ended) {
		err_wrap(err, ERR_ENDED,
			 "QEMU of %s ended on the source before it had moved",
			 guest_label(&r->source.guest));
		return;
	}
	err_wrap(err, ERR_BUSY,
		 "somebody else ended QEMU of %s on the source, and may have "
		 "moved the guest",
		 guest_label(&r->source.guest));
	err_hint(err, "vmferry list shows where it runs now");
	r->result->owner = OWNER_UNKNOWN;
}

/* Whatever failed, failed because the guest is no more: that is the news. */
static void explain_end(struct run *r, struct err *err)
{
	bool gone;

	if (r->course.committed || !r->source.guest.pid ||
	    err->kind == ERR_ENDED || err->kind == ERR_BUSY)
		return;
	task_shield();
	gone = r->src.qmp
		       ? run_events_source_gone(r)
		       : reach_source_alive(r, run_qmp_deadline(), NULL) == 0;
	task_unshield();
	if (gone)
		explain_loss(r, err);
}

static void settle(struct run *r, struct err *err)
{
	struct result *res = r->result;
	bool changed = r->course.phase >= PHASE_LAUNCH;

	explain_end(r, err);
	retry_explain(r, err);
	if (!changed && err->kind != ERR_ENDED && err_has(err, ERR_CANCELLED))
		res->outcome = OUTCOME_CANCELLED;
	else
		res->outcome = changed ? outcome_of_failure(r, err)
				       : outcome_of_error(err->kind);
	if (res->outcome == OUTCOME_ENDED)
		res->owner = OWNER_NONE;
	else if (r->course.committed || r->source.unsure)
		res->owner = OWNER_UNKNOWN;
	if (res->owner != OWNER_SOURCE) {
		res->owner_pid = -1;
		res->state = NULL;
	}
	if (res->outcome == OUTCOME_FAILED && !err_hint_of(err))
		err_hint(err, "once the cause is gone, migrate again");
	/* whatever it interrupted is no failure of its own */
	if (res->outcome == OUTCOME_CANCELLED)
		err_set(err, ERR_CANCELLED, "cancelled on request");
	err_move(&res->error, err);
}

/* Zero means "none" in options, NAN does in events. */
static double or_nan(double x)
{
	return x > 0 ? x : NAN;
}

static void emit_start(struct run *r)
{
	struct event ev = {
		.kind = EVENT_RUN_START,
		.run_start = {
			.guest = r->opt->guest,
			.source = "local",
			.destination = r->opt->destination,
			.max_blackout_ms = r->opt->max_blackout_ms,
			.deadline_s = or_nan(r->opt->deadline_s),
			.bandwidth_bps = or_nan((double)r->opt->bandwidth_bps),
			.policy = r->opt->policy ? r->opt->policy->name
						 : policy_auto.name,
			.transport = lane_choice_name(r->opt->transport),
		},
	};

	run_emit(r, &ev);
}

static void emit_result(struct run *r)
{
	struct event ev = { .kind = EVENT_RESULT, .result = r->result };

	r->result->total_ms = mono_diff_ms(mono_now(), r->started);
	run_emit(r, &ev);
}

/* Walks the first @end stages; 0, or -1 with the result settled. */
static int walk(struct run *r, unsigned int end)
{
	AUTO_ERR struct err err = { 0 };

	if (stage_run(r, end, &err) == 0)
		return 0;
	settle(r, &err);
	return -1;
}

void migrate_run(const struct migrate_options *opt, struct result *result)
{
	struct run *r = XNEW(struct run);
	struct recording *recording;

	run_open(r, opt, result);
	r->held.recording = recording_new(r->id.name);
	emit_start(r);
	result->streams = 1;
	r->attempt.may_wait = opt->wait;
	r->moves = true;
	(void)walk(r, stage_count);
	queue_leave(r);
	emit_result(r);
	if (r->course.shielded)
		task_unshield();
	recording = run_take_recording(r);
	run_close(r);
	free(r);
	recording_close(recording);
}

/* --- without changing anything ------------------------------------------- */

static void take_checks(struct run *r, struct checks *list)
{
	*list = r->checks;
	r->checks = (struct checks){ .v = NULL };
}

void migrate_check(const struct migrate_options *opt, struct checks *list,
		   struct result *result)
{
	migrate_plan(opt, list, NULL, result);
}

static void describe_moves(const struct run *r, struct strv *plan)
{
	for (size_t i = 0; i < r->dest.plan.moves.n; i++)
		strv_pushf(plan,
			   "socket: %s, renamed to %s when the source "
			   "is gone",
			   r->dest.plan.moves.v[i].now,
			   r->dest.plan.moves.v[i].public);
}

static void describe(const struct run *r, struct strv *plan)
{
	AUTO_STRV struct strv argv = { 0 };
	AUTO_FREE char *line = NULL;

	argv_blank_secrets(&r->dest.plan.argv, &argv);
	line = strv_join(&argv, " ");
	strv_pushf(plan, "guest: %s, pid %d, %s, %.1f GiB of RAM",
		   guest_label(&r->source.guest), (int)r->source.guest.pid,
		   r->source.facts.machine,
		   (double)r->source.facts.ram_bytes / (1 << 30));
	strv_pushf(plan, "destination: %s as %s, in %s", host_name(r->dst.host),
		   r->source.guest.user, r->dest.dir);
	strv_pushf(plan, "command: %s", line);
	for (size_t i = 0; i < r->dest.plan.n_notes; i++)
		strv_pushf(plan, "changed: %s: %s",
			   r->dest.plan.notes[i].option,
			   r->dest.plan.notes[i].text);
	describe_moves(r, plan);
	for (unsigned int i = stage_first_change(); i < stage_count; i++)
		strv_pushf(plan, "stage: %s%s", stage_table[i].name,
			   stage_table[i].no_return ? " (no way back)" : "");
}

void migrate_plan(const struct migrate_options *opt, struct checks *list,
		  struct strv *plan, struct result *result)
{
	struct run *r = XNEW(struct run);

	run_open(r, opt, result);
	if (walk(r, stage_first_change()) == 0)
		result->outcome = OUTCOME_READY;
	if (plan && r->dest.plan.argv.n)
		describe(r, plan);
	take_checks(r, list);
	run_close(r);
	free(r);
}
