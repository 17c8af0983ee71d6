/* SPDX-License-Identifier: MIT */
/*
 * switchover: from pre-switchover to the guest running on the destination.
 *
 * Theory of operation. The guest is stopped all through here, so every step
 * is one round trip or less. Three go to the destination: the copy's last one,
 * the question whether it has all, and `cont`. That it lives was asked while
 * the guest still ran (pulse.h).
 *
 *   source            engine                      destination
 *                     pulse ────────────────────▶ (inmigrate)
 *   STOP ───────────▶
 *   pre-switchover ─▶ fresh answer?
 *                     budget still kept?
 *   ◀─────────────────migrate-continue
 *   device: last pages and device state ════════▶ loads                    1
 *   completed ◀══════ return path ═══════════════
 *   postmigrate ────▶ both sessions ask ────────▶ completed; paused        2
 *                     ━━━ COMMIT: the point of no return ━━━
 *                     cont ─────────────────────▶ RESUME                   3
 *                     quit (finish.c)
 *
 * The source never runs again after COMMIT, unless the destination answered
 * `cont` with an error and was then seen dead: only that answer proves that it
 * did not run. If the error is that another process has a lock on an image, it
 * is asked again first, for as long as the budget lasts (image_lock.h). A lost
 * answer proves nothing: the engine asks again over a new connection, whose
 * greeting is a fence, and starts nothing meanwhile.
 *
 * A source whose process is proved gone takes the guest along, unless the
 * destination has everything by then: that is the one way forward without the
 * source's `completed` and `postmigrate`.
 */
#include "engine/run/switchover.h"

#include <math.h>
#include <stdlib.h>

#include "engine/hosts/guest_socket.h"
#include "engine/policy/final_copy.h"
#include "engine/policy/policy.h"
#include "engine/policy/policy_auto.h"
#include "engine/run/beside.h"
#include "engine/run/image_lock.h"
#include "engine/run/launch.h"
#include "engine/run/learn.h"
#include "engine/run/migrate_options.h"
#include "engine/run/precopy.h"
#include "engine/run/pulse.h"
#include "engine/run/reach.h"
#include "engine/run/round_trip.h"
#include "engine/run/run_events.h"
#include "engine/run/run_journal.h"
#include "engine/run/run.h"
#include "engine/state/journal.h"
#include "qmp/qmp.h"
#include "qmp/qmp_images.h"
#include "qmp/qmp_migrate.h"
#include "transport/base/fault.h"
#include "transport/base/log.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"

enum {
	POLL_MS = 20,
	CUT_EARLY_MS = 500, /* the tunnel cuts before the engine */
	ASK_AGAIN_MS = 1000,
	UNDECIDED_AFTER_MS = 60000,
	FREE_MONITOR_MS = 1000, /* a monitor that nobody has greets at once */
};

/* --- before the point of no return --------------------------------------- */

static int ask_status(struct run *r, struct qmp_status *st, struct mono until,
		      struct err *err)
{
	int rc;

	round_trip_begin(r);
	rc = qmp_query_status(r->dst.qmp, st, until, err);
	round_trip_end(r);
	return rc;
}

static int await_pulse(struct run *r, struct mono until, struct err *err)
{
	int rc;

	round_trip_begin(r);
	rc = pulse_await(r, until, err);
	round_trip_end(r);
	return rc;
}

/* What the pulse has lately heard, or hears now; without one it is asked. */
static int hear(struct run *r, struct qmp_status *st, struct err *err)
{
	struct mono until = mono_in_ms(RUN_FROZEN_MS);
	int rc = 0;

	while (rc == 0 && !pulse_is_fresh(r, st) && pulse_asks(r))
		rc = await_pulse(r, until, err);
	if (rc == 0 && !pulse_is_fresh(r, st))
		rc = ask_status(r, st, until, err);
	pulse_end(r);
	return rc;
}

/* A destination that died while we held would freeze the guest for nothing. */
static int fresh_answer(struct run *r, struct err *err)
{
	struct qmp_status st;

	if (hear(r, &st, err) < 0) {
		err_wrap(err, ERR_FAILED,
			 "QEMU on %s gives no sign of life before the "
			 "switchover",
			 host_name(r->dst.host));
		return err_at_host(err, host_name(r->dst.host));
	}
	if (st.state != RUN_INMIGRATE && st.state != RUN_PAUSED)
		return err_set(err, ERR_FAILED,
			       "QEMU on %s is in run state %s before the "
			       "switchover",
			       host_name(r->dst.host), st.raw);
	return 0;
}

/*
 * The last moment at which going back costs but the pause so far. What a
 * switchover costs besides copying counts where it was seen between these two
 * hosts; a guess would turn back what keeps the budget.
 */
static int check_budget(struct run *r, struct err *err)
{
	double paused_ms, rest_ms = 0;

	/* STOP may still be queued behind the answer that brought us here */
	run_events_take(r);
	if (!r->attempt.clock.stop_seen || r->attempt.budget_lifted)
		return 0;
	paused_ms = mono_diff_ms(mono_now(), r->attempt.clock.stop_at);
	/* policies of others do without, and are to be compared with */
	if (r->attempt.policy == &policy_auto)
		rest_ms = final_copy_pause_ms(paused_ms,
					      r->attempt.link.rest_ms,
					      learn_likely_fixed_ms(r));
	if (fault_point("switch.budget", NULL) == 0 &&
	    final_copy_keeps(r->attempt.wanted.budget_ms, paused_ms, rest_ms))
		return 0;
	r->attempt.turned_back = true;
	r->attempt.by_lesson = paused_ms <= r->attempt.wanted.budget_ms;
	err_set(err, ERR_BUDGET,
		"the guest stood still for %.0f ms, and what is left would "
		"take about %.0f ms more of the %.0f ms %s",
		paused_ms, rest_ms, r->attempt.wanted.budget_ms,
		r->tries.paused_ms > 0 ? "that an earlier pause has left"
				       : "allowed");
	return err_hint(err, "give it a larger --max-blackout");
}

static bool source_over(const struct run *r)
{
	return r->attempt.src_status == MIGRATION_FAILED ||
	       r->attempt.src_status == MIGRATION_CANCELLED ||
	       r->attempt.src_status == MIGRATION_FAILING;
}

/*
 * The tunnel closes itself a little before RUN_FROZEN_MS without a byte. One
 * that does not, since it holds no byte itself, is closed from here.
 */
static bool is_stalled(const struct run *r, struct mono moved)
{
	return tunnel_has_stalled(r->attempt.tunnel) ||
	       mono_diff_ms(mono_now(), moved) > RUN_FROZEN_MS;
}

/*
 * Waits for the source's `completed` by events alone: in `device` the monitor
 * does not answer while the stream is stuck, so the tunnel is the one to watch,
 * and to close.
 */
static int await_completed(struct run *r, struct err *err)
{
	struct mono moved = mono_now();

	for (;;) {
		struct tunnel_stats t;

		run_events_take(r);
		if (r->attempt.src_status == MIGRATION_COMPLETED)
			return 0;
		tunnel_stats(r->attempt.tunnel, &t);
		if (mono_before(moved, t.progress))
			moved = t.progress;
		if (is_stalled(r, moved)) {
			tunnel_kill(r->attempt.tunnel);
			return err_set(err, ERR_FAILED,
				       "no byte moved for %.1f s while the "
				       "guest stood still; the tunnel was "
				       "closed",
				       mono_diff_ms(mono_now(), moved) / 1e3);
		}
		if (source_over(r))
			return precopy_explain_failure(r, err);
		if (run_events_guest_alive(r, err) < 0)
			return -1;
		if (run_events_await(r, POLL_MS, err) < 0)
			return -1;
	}
}

static int await_postmigrate(struct run *r, struct err *err)
{
	struct mono until = mono_in_ms(RUN_FROZEN_MS);
	struct qmp_status st;

	/* `completed` shows up before the run state follows */
	do {
		if (qmp_query_status(r->src.qmp, &st, until, err) < 0)
			return -1;
		if (st.state == RUN_POSTMIGRATE)
			return 0;
		task_yield();
	} while (mono_before(mono_now(), until));
	return err_set(err, ERR_FAILED,
		       "the source's migration completed, but its run state is "
		       "%s",
		       st.raw);
}

/*
 * A guest that never ran arrives as what it was, any other one paused. Not
 * `inmigrate`: a `cont` then would start it at some later time.
 */
static bool is_loaded(const struct run *r, const struct qmp_status *st)
{
	return st->state == RUN_PAUSED ||
	       (st->state == RUN_PRELAUNCH &&
		r->source.facts.first_status.state == RUN_PRELAUNCH);
}

/* What the destination says of its migration and of itself. */
struct far_state {
	struct run *run;
	struct qmp *second; /* the session for the status */
	struct mono until;
	enum migration_status migration;
	struct qmp_status status;
};

static int ask_far_migration(void *arg, struct err *err)
{
	struct far_state *f = arg;
	struct qmp_migrate_info info = { 0 };

	if (qmp_query_migrate(f->run->dst.qmp, &info, f->until, err) < 0)
		return -1;
	f->migration = info.status;
	qmp_migrate_info_free(&info);
	return 0;
}

static int ask_far_status(void *arg, struct err *err)
{
	struct far_state *f = arg;

	return qmp_query_status(f->second, &f->status, f->until, err);
}

/* In one round trip where there is a second session. */
static int ask_far(struct far_state *f, struct err *err)
{
	const struct beside both[] = {
		{ ask_far_migration, f },
		{ ask_far_status, f },
	};
	struct run *r = f->run;
	bool two = r->dst.rescue && qmp_check(r->dst.rescue, NULL) == 0;
	int rc;

	f->second = two ? r->dst.rescue : r->dst.qmp;
	round_trip_begin(r);
	rc = two ? beside_ask(both, 2, err) : ask_far_migration(f, err);
	round_trip_end(r);
	if (two || rc < 0)
		return rc;
	return ask_status(r, &f->status, f->until, err);
}

static int await_loaded(struct run *r, struct err *err)
{
	struct far_state f = { .run = r, .until = mono_in_ms(RUN_FROZEN_MS) };

	for (;;) {
		if (ask_far(&f, err) < 0)
			return err_at_host(err, host_name(r->dst.host));
		if (f.migration == MIGRATION_COMPLETED &&
		    is_loaded(r, &f.status))
			return 0;
		if (f.migration == MIGRATION_FAILED ||
		    !mono_before(mono_now(), f.until))
			return err_set(err, ERR_FAILED,
				       "QEMU on %s has status %s and run state "
				       "%s instead of completed and paused",
				       host_name(r->dst.host),
				       migration_status_name(f.migration),
				       f.status.raw);
	}
}

/* QEMU went through the gate by itself; say so when nothing else was said. */
static void explain_decision(struct run *r)
{
	AUTO_FREE char *how = NULL;

	if (r->result->decision)
		return;
	if (r->attempt.throttle > 0)
		how = xasprintf(", with the guest throttled by up to %.0f %%",
				r->attempt.throttle * 100);
	else if (r->attempt.xbzrle_cache_bytes)
		how = xasprintf(", pages being sent as differences");
	r->result->decision = xasprintf(
		"What was left fitted through the gate, held at "
		"%.0f ms, after pass %lld%s.",
		r->attempt.downtime_limit_ms,
		r->result->passes < 1 ? 1LL : (long long)r->result->passes,
		how ? how : "");
}

/*
 * The source failed somewhere in the hand-over. If its process is gone, what
 * the destination has is all there is of the guest: is it whole? No cancel may
 * remove it then.
 */
static bool only_destination_left(struct run *r)
{
	bool left;

	/* a guest that shut down is not brought back */
	if (qmp_check(r->src.qmp, NULL) == 0 || r->source.ended)
		return false;
	/* it resumed before it died: what the destination has is old */
	run_events_take(r);
	if (r->source.facts.first_status.running && !r->attempt.clock.stop_seen)
		return false;
	task_shield();
	left = run_events_source_gone(r) && await_loaded(r, NULL) == 0;
	if (!left) {
		task_unshield();
		return false;
	}
	r->course.shielded = true;
	run_warn(r, "source-died",
		 "QEMU of %s died on the source after it had sent "
		 "everything; going on with %s",
		 guest_label(&r->source.guest), host_name(r->dst.host));
	return true;
}

/* The copy's last round trip: the destination's word is behind it. */
static int copy_rest(struct run *r, struct err *err)
{
	int rc;

	round_trip_begin(r);
	rc = await_completed(r, err);
	round_trip_end(r);
	return rc;
}

int switchover_run(struct run *r, struct err *err)
{
	explain_decision(r);
	if (fresh_answer(r, err) < 0 || check_budget(r, err) < 0 ||
	    run_events_note_wish(r, err) < 0)
		return -1;
	tunnel_set_stall(r->attempt.tunnel, RUN_FROZEN_MS - CUT_EARLY_MS);
	if (qmp_migrate_continue(r->src.qmp, mono_in_ms(RUN_FROZEN_MS), err) <
	    0)
		return err_wrap(err, ERR_FAILED,
				"QEMU does not go on to the "
				"switchover");
	if (fault_point("switch.continue", err) == 0 &&
	    copy_rest(r, err) == 0 && await_postmigrate(r, err) == 0 &&
	    await_loaded(r, err) == 0)
		return 0;
	if (!only_destination_left(r))
		return err_wrap(err, ERR_NONE, "the switchover failed");
	err_reset(err);
	return 0;
}

/*
 * COMMIT may be on disk, and a recovery would go forward by it. A destination
 * that is seen gone takes the record's place: then the source may go on.
 */
static int doubt_commit(struct run *r, struct err *err)
{
	AUTO_ERR struct err e = { 0 };
	int gone;

	task_shield();
	gone = launch_undo(r, &e);
	task_unshield();
	if (gone == 0)
		return err_wrap(err, ERR_FAILED,
				"the journal of %s cannot be trusted; %s was "
				"not started on %s, and QEMU is gone from "
				"there",
				r->id.name, guest_label(&r->source.guest),
				host_name(r->dst.host));
	r->course.committed = true;
	err_move(err, &e);
	err_wrap(err, ERR_UNDECIDED,
		 "the journal of %s cannot be trusted, and QEMU on %s, which "
		 "was not told to start %s, was not seen gone",
		 r->id.name, r->opt->destination,
		 guest_label(&r->source.guest));
	return err_hint(err,
			"vmferry recover %s goes on once %s answers; never "
			"`cont` it on both",
			r->id.name, r->opt->destination);
}

int switchover_commit(struct run *r, struct err *err)
{
	if (task_cancel_asked() && !r->course.shielded)
		return err_set(err, ERR_CANCELLED, "cancelled");
	/* as long as there is a way back, a dead destination is no riddle */
	if (qmp_check(r->dst.qmp, err) < 0 || run_events_note_wish(r, err) < 0)
		return -1;
	if (run_journal_write(r, JOURNAL_COMMIT, err) < 0)
		return run_journal_in_doubt(r) ? doubt_commit(r, err) : -1;
	r->course.committed = true;
	return fault_point("commit.record", err);
}

/* --- after it ------------------------------------------------------------ */

static struct qmp *greet(struct run *r, int ms, struct err *err)
{
	const struct guest_socket_owner owner = { .uid = r->source.guest.uid };
	struct stream *s = guest_socket_connect(r->dst.host,
						r->dest.plan.monitor0, &owner,
						mono_in_ms(RUN_QMP_MS), err);

	return s ? qmp_open(s, "destination", mono_in_ms(ms), err) : NULL;
}

int switchover_reopen(struct run *r, struct err *err)
{
	AUTO_ERR struct err e = { 0 };

	qmp_listener_free(r->dst.events);
	r->dst.events = NULL;
	qmp_close(r->dst.qmp);
	r->dst.qmp = NULL;
	if (reach_reconnect(r, err) < 0)
		return -1;
	r->dst.qmp = greet(r, FREE_MONITOR_MS, &e);
	if (!r->dst.qmp && e.kind == ERR_BUSY &&
	    launch_end_old_session(r, err) == 0)
		r->dst.qmp = greet(r, RUN_QMP_MS, err);
	else if (!r->dst.qmp)
		err_move(err, &e);
	if (!r->dst.qmp)
		return -1;
	r->dst.events = qmp_listen(r->dst.qmp, &r->wake);
	return 0;
}

/* 1 runs, 0 loaded and paused, -1 not known. */
static int ask_destination(struct run *r, struct err *err)
{
	struct qmp_status st;

	if (switchover_reopen(r, err) < 0 ||
	    qmp_query_status(r->dst.qmp, &st, run_qmp_deadline(), err) < 0)
		return -1;
	if (st.running)
		return 1;
	if (st.state == RUN_PAUSED)
		return 0;
	return err_set(err, ERR_UNDECIDED, "it is in run state %s", st.raw);
}

/*
 * `cont` was answered with an error, so the guest did not run there. Once
 * that QEMU is seen gone, it cannot any more, and going back is safe again.
 */
static int take_back(struct run *r, struct err *err)
{
	AUTO_ERR struct err e = { 0 };
	struct qmp_status st;

	if (qmp_query_status(r->dst.qmp, &st, run_qmp_deadline(), &e) == 0 &&
	    st.running) {
		err_reset(err);
		return 0;
	}
	if (run_events_source_gone(r))
		return err_wrap(err, ERR_UNDECIDED,
				"QEMU on %s refused to run %s, which is gone "
				"from the source; it is kept as it is",
				host_name(r->dst.host),
				guest_label(&r->source.guest));
	/* without the record a recovery would go forward: keep all as it is */
	if (run_journal_write(r, JOURNAL_ROLLBACK, &e) < 0 ||
	    launch_undo(r, &e) < 0) {
		err_move(err, &e);
		return err_wrap(err, ERR_UNDECIDED,
				"QEMU on %s refused to run %s and could not be "
				"removed",
				host_name(r->dst.host),
				guest_label(&r->source.guest));
	}
	r->course.committed = false;
	return err_wrap(err, ERR_FAILED, "QEMU on %s refused to run %s",
			host_name(r->dst.host), guest_label(&r->source.guest));
}

/* It may have run there before it died, so that nothing can be done by us. */
static int destination_died(struct run *r, struct err *err)
{
	err_set(err, ERR_UNDECIDED,
		"QEMU on %s is gone, and nobody saw whether %s ran there",
		host_name(r->dst.host), guest_label(&r->source.guest));
	err_hint(err,
		 "to go on with the state before the switchover: vmferry "
		 "recover %s --force-source=continue",
		 guest_label(&r->source.guest));
	return err_at_host(err, host_name(r->dst.host));
}

static int nobody_knows(struct run *r, struct err *err)
{
	err_wrap(err, ERR_UNDECIDED,
		 "%s was told to start on %s and did not answer; it may run "
		 "there",
		 guest_label(&r->source.guest), host_name(r->dst.host));
	err_hint(err,
		 "when %s answers again, vmferry recover finishes it; "
		 "never `cont` it on both",
		 host_name(r->dst.host));
	return err_at_host(err, host_name(r->dst.host));
}

bool switchover_destination_gone(struct run *r)
{
	return r->dst.host &&
	       host_ping(r->dst.host, run_qmp_deadline(), NULL) == 0 &&
	       reach_destination_alive(r, run_qmp_deadline(), NULL) == 0;
}

static bool source_ran_on(struct run *r)
{
	run_events_take(r);
	return r->source.ran_on;
}

/* Somebody has continued it there: the destination's copy is old by now. */
static int ran_on_source(struct run *r, struct err *err)
{
	if (run_journal_seen(r, "source", err) < 0)
		return err_wrap(err, ERR_UNDECIDED,
				"%s was seen to run on the source after it had "
				"been handed over",
				guest_label(&r->source.guest));
	err_set(err, ERR_UNDECIDED,
		"%s was handed over, yet somebody has continued it on the "
		"source",
		guest_label(&r->source.guest));
	return err_hint(err, "vmferry recover %s says what can be decided",
			r->id.name);
}

static int send_cont(struct run *r, struct err *err)
{
	int rc;

	round_trip_begin(r);
	r->attempt.clock.cont_at = mono_now();
	rc = qmp_cont(r->dst.qmp, run_qmp_deadline(), err);
	round_trip_end(r);
	return rc;
}

/* A `cont` that was refused for a lock has changed nothing. */
static int send_cont_patiently(struct run *r, struct err *err)
{
	return send_cont(r, err) == 0 ? 0
				      : image_lock_outlast(r, send_cont, err);
}

/*
 * The answer to `cont` is lost. Asks until it is known whether the guest runs;
 * the source's memory is kept meanwhile, and nothing is started there. @ran: it
 * was seen to obey a `cont`, so there is no way back.
 */
static int hold(struct run *r, bool ran, struct err *err)
{
	struct mono until = mono_in_ms(UNDECIDED_AFTER_MS);

	round_trip_lose_count(r);
	run_warn(r, "hold",
		 "the answer from %s is lost; asking again, with "
		 "%s kept stopped on the source",
		 host_name(r->dst.host), guest_label(&r->source.guest));
	err_reset(err);
	for (;;) {
		AUTO_ERR struct err e = { 0 };
		int runs = ask_destination(r, &e);

		if (runs == 1)
			return 0;
		if (source_ran_on(r))
			return ran_on_source(r, err);
		if (runs == 0 && send_cont_patiently(r, &e) == 0)
			return 0;
		if (runs == 0 && !ran && err_has(&e, ERR_QMP)) {
			err_move(err, &e);
			return take_back(r, err);
		}
		if (runs < 0 && switchover_destination_gone(r))
			return destination_died(r, err);
		if (mono_before(until, mono_now())) {
			err_move(err, &e);
			return nobody_knows(r, err);
		}
		if (task_sleep_until(mono_in_ms(ASK_AGAIN_MS), err) < 0)
			return -1;
	}
}

static int start_guest(struct run *r, struct err *err)
{
	if (send_cont_patiently(r, err) == 0)
		return 0;
	if (err_has(err, ERR_QMP))
		return take_back(r, err);
	return hold(r, false, err);
}

/* The RESUME event came before the reply to `cont`; this is the proof. */
static int see_running(struct run *r, struct err *err)
{
	struct qmp_status st;

	run_events_take(r);
	if (r->attempt.clock.resume_seen)
		return 0;
	if (ask_status(r, &st, run_qmp_deadline(), err) < 0)
		return hold(r, true, err);
	run_events_take(r);
	if (!st.running)
		return err_set(err, ERR_UNDECIDED,
			       "%s was started on %s and is in run state %s",
			       guest_label(&r->source.guest),
			       host_name(r->dst.host), st.raw);
	return 0;
}

/* NAN for what was not seen. */
static double since_stop(const struct run *r, struct mono at)
{
	return r->attempt.clock.stop_seen && at.us
		       ? mono_diff_ms(at, r->attempt.clock.stop_at)
		       : NAN;
}

static void emit_switchover(struct run *r)
{
	struct result *res = r->result;
	struct event ev = { .kind = EVENT_SWITCHOVER };
	double blackout_ms = NAN;

	if (r->attempt.clock.stop_seen && r->attempt.clock.resume_seen) {
		blackout_ms = mono_diff_ms(r->attempt.clock.resume_at,
					   r->attempt.clock.stop_at);
		/* the owner allowed so much in all */
		res->blackout_ms = blackout_ms + r->tries.paused_ms;
		res->switchover_round_trips = round_trip_count(r);
		/*
		 * RESUME happened between the sending of `cont` and the
		 * receipt of the event; STOP is received over a local socket.
		 */
		res->blackout_uncertainty_ms = mono_diff_ms(
			r->attempt.clock.resume_at, r->attempt.clock.cont_at);
	}
	ev.switchover = (struct event_switchover){
		.pre_switchover_ms =
			since_stop(r, r->attempt.clock.pre_switchover_at),
		.completed_ms = since_stop(r, r->attempt.clock.completed_at),
		.cont_sent_ms = since_stop(r, r->attempt.clock.cont_at),
		.resume_ms = since_stop(r, r->attempt.clock.resume_at),
		.blackout_ms = blackout_ms,
		.blackout_uncertainty_ms = res->blackout_uncertainty_ms,
		.qemu_downtime_ms = res->qemu_downtime_ms,
	};
	if (r->attempt.clock.resume_seen)
		run_emit(r, &ev);
}

static int ask_for_images(struct run *r, struct err *err)
{
	return qmp_images_activate(r->dst.qmp, run_qmp_deadline(), err);
}

/*
 * A guest that stays paused: without it nobody holds its images, and another
 * program might write to them. It has arrived, whatever comes of this.
 */
static void activate_images(struct run *r)
{
	AUTO_ERR struct err e = { 0 };
	AUTO_FREE char *text = NULL;

	if (ask_for_images(r, &e) == 0)
		return;
	if (!err_has(&e, ERR_QMP)) {
		err_reset(&e);
		if (switchover_reopen(r, &e) == 0 && ask_for_images(r, &e) == 0)
			return;
	}
	if (image_lock_outlast(r, ask_for_images, &e) == 0)
		return;
	text = err_text(&e);
	run_warn(r, "inactive",
		 "%s is paused on %s and does not hold its images until a "
		 "`cont`; let nothing else open them: %s",
		 guest_label(&r->source.guest), host_name(r->dst.host), text);
}

int switchover_resume(struct run *r, struct err *err)
{
	bool runs = r->source.facts.first_status.running && !r->opt->paused;

	if (runs && (start_guest(r, err) < 0 || see_running(r, err) < 0))
		return -1;
	if (!runs)
		activate_images(r);
	if (fault_point("resume.sent", err) < 0)
		return -1;
	run_journal_note(r, JOURNAL_DESTRUN);
	r->result->owner = OWNER_DESTINATION;
	r->result->owner_pid = r->dest.pid;
	r->result->state = runs ? "RUNNING" : "PAUSED";
	if (runs)
		emit_switchover(r);
	return 0;
}
