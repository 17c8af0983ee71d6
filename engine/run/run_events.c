/* SPDX-License-Identifier: MIT */
/* run_events: the events of both monitors, and whether the source lives. */
#include "engine/run/run_events.h"

#include <string.h>

#include "engine/run/reach.h"
#include "engine/run/round_trip.h"
#include "engine/run/run_journal.h"
#include "engine/run/run.h"
#include "engine/state/journal.h"
#include "qmp/json.h"
#include "qmp/qmp.h"
#include "qmp/qmp_migrate.h"
#include "transport/base/log.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

enum { GONE_TRIES = 20, GONE_RETRY_MS = 50 };

static const char *event_status(const struct qmp_event *ev)
{
	const char *status = "";

	if (ev->data)
		(void)json_opt_str((struct json_at){ ev->data, ev->name },
				   "status", &status, NULL);
	return status;
}

void run_events_source_ended(struct run *r)
{
	r->source.ended = true;
}

void run_events_source_paused(struct run *r, const struct qmp_status *st)
{
	r->attempt.clock.stop_seen = false;
	r->source.facts.first_status = *st;
}

int run_events_note_wish(struct run *r, struct err *err)
{
	bool runs = r->source.facts.first_status.running;

	if (runs == r->source.noted_running)
		return 0;
	log_info("source", "the guest was %s by somebody",
		 runs ? "continued" : "paused");
	r->result->state = runs ? "RUNNING" : "PAUSED";
	return run_journal_write(r, JOURNAL_WISH, err);
}

static void source_event(struct run *r, const struct qmp_event *ev)
{
	if (!strcmp(ev->name, "STOP") && !r->attempt.clock.stop_seen) {
		r->attempt.clock.stop_seen = true;
		round_trip_reset(r);
		r->attempt.clock.stop_at = ev->received;
		r->attempt.clock.stopped = ev->stamp;
		r->attempt.clock.sync_age_ms =
			mono_diff_ms(ev->received, r->attempt.clock.synced_at);
	} else if (!strcmp(ev->name, "MIGRATION_PASS")) {
		r->attempt.clock.synced = ev->stamp;
		r->attempt.clock.synced_at = ev->received;
	} else if (!strcmp(ev->name, "RESUME") && !r->course.committed) {
		/* that of a switch: nobody else's pause is ours to count */
		if (r->attempt.clock.stop_seen &&
		    r->attempt.clock.pre_switchover_seen)
			r->tries.paused_ms += mono_diff_ms(
				ev->received, r->attempt.clock.stop_at);
		r->attempt.clock.stop_seen = false;
		r->attempt.clock.pre_switchover_seen = false;
		/* somebody's `cont` holds on the destination, too */
		r->source.facts.first_status.running = true;
	} else if (!strcmp(ev->name, "RESUME")) {
		/* a guest that was handed over: somebody has continued it */
		r->source.ran_on = true;
	} else if (!strcmp(ev->name, "SHUTDOWN")) {
		run_events_source_ended(r);
	} else if (!strcmp(ev->name, "GUEST_PANICKED")) {
		log_warn("source", "the guest panicked");
	} else if (!strcmp(ev->name, "MIGRATION")) {
		enum migration_status s =
			migration_status_parse(event_status(ev));

		r->attempt.src_status = s;
		if (s == MIGRATION_PRE_SWITCHOVER) {
			r->attempt.clock.pre_switchover_seen = true;
			r->attempt.clock.pre_switchover_at = ev->received;
		} else if (s == MIGRATION_COMPLETED) {
			r->attempt.clock.completed_at = ev->received;
		}
	}
}

static void destination_event(struct run *r, const struct qmp_event *ev)
{
	if (!strcmp(ev->name, "RESUME") && !r->attempt.clock.resume_seen) {
		r->attempt.clock.resume_seen = true;
		r->attempt.clock.resume_at = ev->received;
	}
}

bool run_events_take(struct run *r)
{
	struct qmp_event *ev;
	bool any = false;

	while (r->src.events && (ev = qmp_listener_take(r->src.events))) {
		source_event(r, ev);
		qmp_event_free(ev);
		any = true;
	}
	while (r->dst.events && (ev = qmp_listener_take(r->dst.events))) {
		destination_event(r, ev);
		qmp_event_free(ev);
		any = true;
	}
	return any;
}

int run_events_await(struct run *r, int ms, struct err *err)
{
	AUTO_ERR struct err e = { 0 };

	/* what came while something else was waited for woke nobody */
	if (run_events_take(r))
		return 0;
	if (task_wait_queue(&r->wake, mono_in_ms(ms), &e) == 0 ||
	    e.kind == ERR_TIMEOUT)
		return 0;
	err_move(err, &e);
	return -1;
}

int run_events_guest_alive(struct run *r, struct err *err)
{
	AUTO_ERR struct err e = { 0 };
	int alive;

	if (!r->source.ended && qmp_check(r->src.qmp, &e) == 0)
		return 0;
	alive = reach_source_alive(r, mono_in_ms(RUN_QMP_MS), NULL);
	if (alive == 0)
		return err_set(err, ERR_ENDED,
			       "QEMU of %s ended on the source while it was "
			       "being migrated",
			       guest_label(&r->source.guest));
	if (r->source.ended)
		return err_set(err, ERR_ENDED,
			       "%s shut down while it was being migrated",
			       guest_label(&r->source.guest));
	err_move(err, &e);
	return err_wrap(err, ERR_FAILED,
			"the source's monitor failed while %s still exists "
			"as process %d",
			guest_label(&r->source.guest),
			(int)r->source.guest.pid);
}

bool run_events_source_gone(struct run *r)
{
	/* a guest that powers off is seen a moment before its QEMU is gone */
	for (int i = 0; i < GONE_TRIES; i++) {
		if (!r->source.ended && r->src.qmp &&
		    qmp_check(r->src.qmp, NULL) == 0)
			return false;
		if (reach_source_alive(r, run_qmp_deadline(), NULL) == 0)
			return true;
		if (task_sleep_until(mono_in_ms(GONE_RETRY_MS), NULL) < 0)
			return false;
	}
	return false;
}
