/* SPDX-License-Identifier: MIT */
/*
 * precopy: watches QEMU's passes, feeds the policy, turns its gate.
 *
 * Theory of operation. QEMU iterates by itself; what is ours is to look (at
 * query-migrate each POLL_MS and at every MIGRATION_PASS, at the tunnel's own
 * counters for bandwidth) and to set downtime-limit as the policy says. A pass
 * lasts from one dirty-bitmap sync to the next; what is dirty right after a
 * sync is read at the event. The loop ends when QEMU has stopped the guest and
 * waits in pre-switchover, or when something failed.
 */
#include "engine/run/precopy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/policy/final_copy.h"
#include "engine/policy/history.h"
#include "engine/policy/lever.h"
#include "engine/policy/look_ahead.h"
#include "engine/policy/pass_measure.h"
#include "engine/policy/policy.h"
#include "engine/policy/policy_auto.h"
#include "engine/run/gate.h"
#include "engine/run/launch.h"
#include "engine/run/prepare.h"
#include "engine/run/run_events.h"
#include "engine/run/run.h"
#include "qmp/qmp.h"
#include "qmp/qmp_migrate.h"
#include "transport/base/log.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"

enum {
	/* Between two looks at query-migrate, unless an event comes. */
	POLL_MS = 80,
	/* The last look at what is left, at most, with the guest stopped. */
	LAST_LOOK_MS = 1000,
};

/* Where the present pass began, and what was last seen moving. */
struct watch {
	uint64_t pass;
	struct mono pass_at;
	uint64_t pass_sent; /* tunnel bytes at its begin */
	double dirty_bps;   /* NAN before the first pass has ended */
	double pass_bps;    /* of the tunnel in this pass so far; 0: not yet */
	double bandwidth_bps;
	struct mono sample_at;
	uint64_t sample_sent;
	int64_t left_bytes; /* as of the last sample */
	double throttle;    /* during this pass */

	struct history history;
};

static void emit_sample(struct run *r, struct watch *w,
			const struct qmp_migrate_info *info,
			const struct tunnel_stats *t, struct mono now)
{
	struct event ev = { .kind = EVENT_SAMPLE };
	double ms = mono_diff_ms(now, w->sample_at);

	if (ms > 0)
		w->bandwidth_bps =
			(double)(t->sent_bytes - w->sample_sent) / ms * 1e3;
	w->sample_at = now;
	w->sample_sent = t->sent_bytes;
	ev.sample = (struct event_sample){
		.status = info->raw,
		.pass = (int64_t)info->dirty_sync_count,
		.remaining_bytes = (int64_t)info->remaining_bytes,
		.transferred_bytes = (int64_t)info->transferred_bytes,
		.total_bytes = (int64_t)info->total_bytes,
		.bandwidth_bps = w->bandwidth_bps,
		.dirty_bps = w->dirty_bps,
		.tunnel_bytes = (int64_t)t->sent_bytes,
		.downtime_limit_ms = r->attempt.downtime_limit_ms,
		.throttle_percent = info->throttle_percent,
		.elapsed_ms = mono_diff_ms(now, r->attempt.migrate_at),
	};
	run_emit(r, &ev);
}

static void emit_pass(struct run *r, const struct policy_pass *pass,
		      const struct policy_decision *d, const struct forecast *f)
{
	double since_ms = mono_diff_ms(mono_now(), r->started);
	bool comes = f->p_converge >= FORECAST_NEVER;
	struct event ev = {
		.kind = EVENT_PASS,
		.pass = {
			.number = pass->number,
			.seconds = pass->seconds,
			.sent_bytes = pass->sent_bytes,
			.remaining_bytes = pass->dirty_bytes,
			.dirtied_bytes = pass->dirty_bytes,
			.bandwidth_bps = pass->bandwidth_bps,
			.predicted_blackout_ms = d->predicted_ms,
			.p_converge = f->p_converge,
			.eta_p50_s = comes ? f->seconds.p50 : NAN,
			.eta_p90_s = comes ? f->seconds.p90 : NAN,
			.forecast_total_ms =
				comes ? since_ms + f->seconds.p50 * 1e3 : NAN,
			.forecast_blackout_ms =
				comes ? f->blackout_ms.p50 : NAN,
			.why = d->why,
		},
	};

	run_emit(r, &ev);
}

static void emit_decision(struct run *r, const struct policy_decision *d)
{
	struct event ev = {
		.kind = EVENT_DECISION,
		.decision = {
			.action = policy_action_name(d->action),
			.why = d->why,
			.downtime_limit_ms = d->gate_ms,
		},
	};

	run_emit(r, &ev);
}

/* The policies of others take the gate as QEMU has it. */
static int set_gate(struct run *r, const struct watch *w, double ms,
		    struct err *err)
{
	const struct policy_view *v = &w->history.view;

	if (r->attempt.policy != &policy_auto)
		return gate_set(r, ms, 0, 1, err);
	return gate_set(r, ms, final_copy_bps(v, w->pass_bps),
			final_copy_ratio(v), err);
}

static int obey(struct run *r, const struct watch *w,
		const struct policy_decision *d, struct err *err)
{
	/* the gate that is set is to mean what it meant */
	if (d->action == POLICY_WAIT)
		return set_gate(r, w, r->attempt.downtime_limit_ms, err);
	emit_decision(r, d);
	if (d->lifted)
		r->attempt.budget_lifted = true;
	if (d->lifted)
		run_warn(r, "budget-lifted", "%s", d->why);
	if (d->action == POLICY_THROTTLE)
		return prepare_throttle(r, d->throttle, err);
	free(r->result->decision);
	r->result->decision = xstrdup(d->why);
	if (d->action == POLICY_GATE)
		return set_gate(r, w, d->gate_ms, err);
	err_set(err, ERR_BUDGET, "%s", d->why);
	err_wrap(err, ERR_BUDGET, "the migration would not keep its bounds");
	return err_hint(err, "give it a larger --max-blackout, a later "
			     "--deadline, or --on-deadline force");
}

/* For the result: what was known after the first pass. */
static void keep_first_forecast(struct run *r, const struct forecast *f,
				double elapsed_ms)
{
	struct result *res = r->result;

	if (r->tries.n > 1)
		return;
	res->forecast_converges = f->p_converge >= FORECAST_NEVER;
	if (!res->forecast_converges)
		return;
	res->forecast_total_ms = elapsed_ms + f->seconds.p50 * 1e3;
	res->forecast_blackout_ms = f->blackout_ms.p50;
}

/* Asks the policy and does what it says. */
static int decide(struct run *r, struct watch *w, struct mono now,
		  bool pass_ended, struct policy_decision *d, struct err *err)
{
	struct policy_view *v = &w->history.view;

	v->gate_ms = r->attempt.downtime_limit_ms;
	v->throttle = r->attempt.throttle;
	v->lifted = r->attempt.budget_lifted;
	history_ask(&w->history, r->attempt.policy,
		    mono_diff_ms(now, r->attempt.migrate_at) / 1e3, pass_ended,
		    d);
	return obey(r, w, d, err);
}

static struct policy_pass measure(const struct run *r, const struct watch *w,
				  const struct qmp_migrate_info *info,
				  const struct tunnel_stats *t, struct mono now)
{
	const struct pass_counts c = {
		.number = (int64_t)info->dirty_sync_count,
		.at_s = mono_diff_ms(now, r->attempt.migrate_at) / 1e3,
		.seconds = mono_diff_ms(now, w->pass_at) / 1e3,
		.sent_bytes = (int64_t)(t->sent_bytes - w->pass_sent),
		.dirty_bytes = (int64_t)info->remaining_bytes,
		.sample_left_bytes = (double)w->left_bytes,
		.sample_since_bytes = (double)(t->sent_bytes - w->sample_sent),
		.throttle = w->throttle,
		.gate_ms = r->attempt.downtime_limit_ms,
		.xbzrle = r->attempt.xbzrle_cache_bytes,
	};

	return pass_measure(&c, history_last_pass(&w->history),
			    w->history.view.n_passes);
}

static int end_pass(struct run *r, struct watch *w,
		    const struct qmp_migrate_info *info,
		    const struct tunnel_stats *t, struct mono now,
		    struct err *err)
{
	struct policy_pass pass = measure(r, w, info, t, now);
	struct policy_decision d;
	struct forecast f;
	int rc;

	if (pass.seconds > 0)
		w->dirty_bps = (double)pass.dirty_bytes / pass.seconds;
	w->pass = info->dirty_sync_count;
	w->pass_at = now;
	w->pass_sent = t->sent_bytes;
	/* it changes at syncs only */
	w->throttle = lever_share(info->throttle_percent);
	history_add_pass(&w->history, &pass);
	look_ahead(&w->history.view, r->attempt.throttle, &f);
	if (w->history.view.n_passes == 1)
		keep_first_forecast(r, &f, mono_diff_ms(now, r->started));
	r->result->passes = pass.number;
	rc = decide(r, w, now, true, &d, err);
	emit_pass(r, &pass, &d, &f);
	return rc;
}

static int tunnel_failed(struct run *r, struct err *err)
{
	AUTO_ERR struct err e = { 0 };

	if (tunnel_verdict(r->attempt.tunnel, &e) == 0)
		err_set(&e, ERR_CLOSED, "it was closed from the far side");
	err_move(err, &e);
	err_wrap(err, ERR_NETWORK, "the tunnel to %s ended",
		 host_name(r->dst.host));
	return err_at_host(err, host_name(r->dst.host));
}

static int report_stall(const struct run *r, struct err *err)
{
	err_set(err, ERR_NETWORK,
		"the tunnel to %s has not moved a byte for %d s",
		host_name(r->dst.host), RUN_STALL_MS / 1000);
	return err_at_host(err, host_name(r->dst.host));
}

/*
 * What made QEMU's own migration fail. A tunnel that stalled has cut QEMU off,
 * and the destination can know nothing of it; else its QEMU's words are the
 * best.
 */
static int explain_failure(struct run *r, const char *words, struct err *err)
{
	AUTO_FREE char *far = NULL;
	struct tunnel_stats t;

	if (tunnel_has_stalled(r->attempt.tunnel))
		return report_stall(r, err);
	tunnel_stats(r->attempt.tunnel, &t);
	if (host_ping(r->dst.host, mono_in_ms(RUN_QMP_MS), NULL) == 0)
		far = launch_stderr(r);
	if (far && *far)
		err_set(err, ERR_QMP, "%s", far);
	else if (t.ended)
		tunnel_failed(r, err);
	else
		err_set(err, ERR_QMP, "%s",
			words ? words : "QEMU gives no reason");
	err_wrap(err, ERR_FAILED, "QEMU's migration failed");
	if (far && *far)
		err_hint(err,
			 "compare both command lines (migrate --dry-run "
			 "shows the destination's) and both QEMU versions");
	return err_at_host(err, host_name(r->dst.host));
}

int precopy_explain_failure(struct run *r, struct err *err)
{
	struct qmp_migrate_info info = { 0 };
	int rc;

	(void)qmp_query_migrate(r->src.qmp, &info, run_qmp_deadline(), NULL);
	rc = explain_failure(r, info.error_desc, err);
	qmp_migrate_info_free(&info);
	return rc;
}

/* Whether everything that the copy needs is still there. */
static int watch_health(struct run *r, const struct tunnel_stats *t,
			struct mono now, struct err *err)
{
	bool stalled;

	if (run_events_guest_alive(r, err) < 0)
		return -1;
	/* tunnel and engine have the same limit: either can be first */
	stalled = tunnel_has_stalled(r->attempt.tunnel) ||
		  mono_diff_ms(now, t->progress) > RUN_STALL_MS;
	if (!stalled && (t->ended || qmp_check(r->dst.qmp, NULL) < 0)) {
		/* finding words takes time; the guest must not stop in it */
		(void)qmp_migrate_cancel(r->src.qmp, run_qmp_deadline(), NULL);
		return explain_failure(r, NULL, err);
	}
	if (host_alive(r->dst.host, RUN_STALL_MS, err) < 0)
		return err_at_host(err, host_name(r->dst.host));
	return stalled ? report_stall(r, err) : 0;
}

/*
 * QEMU stops the guest and leaves `active` in one step. A guest that stops
 * still in `active` was stopped by somebody, and is to stay so.
 */
static void notice_pause(struct run *r, const struct qmp_migrate_info *info)
{
	struct qmp_status st;

	if (!r->attempt.clock.stop_seen || info->status != MIGRATION_ACTIVE ||
	    qmp_query_status(r->src.qmp, &st, run_qmp_deadline(), NULL) < 0 ||
	    st.state != RUN_PAUSED)
		return;
	run_events_source_paused(r, &st);
}

static int take_sample(struct run *r, struct watch *w,
		       const struct qmp_migrate_info *info,
		       const struct tunnel_stats *t, struct mono now,
		       struct err *err)
{
	struct policy_decision d;
	bool ended = info->dirty_sync_count > w->pass && w->pass;
	int rc = 0;

	w->pass_bps =
		final_copy_pass_bps((double)(t->sent_bytes - w->pass_sent),
				    mono_diff_ms(now, w->pass_at) / 1e3);
	r->result->transferred_bytes = (int64_t)info->transferred_bytes;
	/* what the pass left over is in the sample before */
	if (ended)
		rc = end_pass(r, w, info, t, now, err);
	if (!w->pass)
		w->pass = info->dirty_sync_count;
	emit_sample(r, w, info, t, now);
	history_add_sample(&w->history,
			   mono_diff_ms(now, r->attempt.migrate_at) / 1e3,
			   (int64_t)info->remaining_bytes);
	w->left_bytes = (int64_t)info->remaining_bytes;
	return ended ? rc : decide(r, w, now, false, &d, err);
}

static bool is_lost(enum migration_status s)
{
	return s == MIGRATION_FAILED || s == MIGRATION_CANCELLED ||
	       s == MIGRATION_FAILING;
}

/* 1: go on watching, 0: the guest is at pre-switchover, -1. */
static int look(struct run *r, struct watch *w, struct err *err)
{
	struct qmp_migrate_info info = { 0 };
	AUTO_ERR struct err e = { 0 };
	struct tunnel_stats t;
	struct mono now;
	int rc = 1;

	/* no answer in time is no reason yet; a tunnel that stalls is */
	if (qmp_query_migrate(r->src.qmp, &info, run_qmp_deadline(), &e) < 0 &&
	    e.kind != ERR_TIMEOUT) {
		if (run_events_guest_alive(r, err) == 0)
			err_move(err, &e);
		return -1;
	}
	now = mono_now();
	tunnel_stats(r->attempt.tunnel, &t);
	if (is_lost(info.status)) {
		rc = explain_failure(r, info.error_desc, err);
	} else if (info.status == MIGRATION_PRE_SWITCHOVER) {
		/* its STOP is queued behind the answer; find_rest() needs it */
		run_events_take(r);
		rc = 0;
	} else {
		notice_pause(r, &info);
		if (run_events_note_wish(r, err) < 0 ||
		    (info.has_ram &&
		     take_sample(r, w, &info, &t, now, err) < 0))
			rc = -1;
	}
	qmp_migrate_info_free(&info);
	if (rc != 1)
		return rc;
	return watch_health(r, &t, now, err) < 0 ? -1 : 1;
}

static int watch_passes(struct run *r, struct watch *w, struct err *err)
{
	for (;;) {
		int rc;

		run_events_take(r);
		if (run_events_note_wish(r, err) < 0)
			return -1;
		/* the guest is stopped: no more questions, go on at once */
		if (r->attempt.clock.pre_switchover_seen)
			return 0;
		rc = look(r, w, err);
		if (rc <= 0)
			return rc;
		if (run_events_await(r, POLL_MS, err) < 0)
			return -1;
	}
}

/* What is left to be copied, for the last check of the budget. */
static int find_rest(struct run *r, const struct watch *w, struct err *err)
{
	double most_ms =
		fmin(fmax(r->attempt.wanted.budget_ms, 100), LAST_LOOK_MS);
	struct qmp_migrate_info info = { 0 };
	double since_s = (double)(r->attempt.clock.stopped.us -
				  r->attempt.clock.synced.us) /
			 1e6;
	struct final_copy_rest rest = { .bps = r->attempt.link.bps,
					.throttle = w->throttle };
	int rc;

	if (r->attempt.link.bps <= 0 || !w->history.view.n_passes)
		return 0;
	rc = qmp_query_migrate(r->src.qmp, &info, mono_in_ms((int64_t)most_ms),
			       err);
	if (rc < 0)
		return rc;
	rest.remaining_bytes = (double)info.remaining_bytes;
	/* somebody may have set the clock between the two */
	since_s = fmin(since_s, (r->attempt.clock.sync_age_ms + POLL_MS) / 1e3);
	if (r->attempt.clock.synced.us)
		rest.unsynced_s = final_copy_unsynced_s(
			qmp_version(r->src.qmp)->major, since_s);
	r->attempt.link.rest_ms =
		final_copy_rest_ms(w->history.view.curve, &rest);
	qmp_migrate_info_free(&info);
	return rc;
}

/* For the switchover, and for those who migrate here after us. */
static int sum_up(struct run *r, const struct watch *w, struct err *err)
{
	const struct policy_view *v = &w->history.view;

	r->attempt.link.bps = final_copy_bps(v, w->pass_bps);
	r->attempt.link.wire_bps = final_copy_wire_bps(v);
	r->attempt.link.overhead_ms = final_copy_overhead_s(v) * 1e3;
	/* nobody else asks what is left */
	if (r->attempt.policy != &policy_auto || r->attempt.budget_lifted)
		return 0;
	return find_rest(r, w, err);
}

int precopy_run(struct run *r, struct err *err)
{
	struct watch *w = XNEW(struct watch);
	int rc;

	w->pass_at = w->sample_at = r->attempt.migrate_at;
	w->dirty_bps = NAN;
	history_init(&w->history, &r->attempt.wanted,
		     (double)r->source.facts.ram_bytes,
		     lessons_overhead_ms(&r->lessons) / 1e3);
	rc = watch_passes(r, w, err);
	if (rc == 0)
		rc = sum_up(r, w, err);
	history_fini(&w->history);
	free(w);
	return rc;
}
