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
#include <math.h>
#include <string.h>

#include "engine/record.h"
#include "engine/run.h"
#include "transport/base/log.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

enum { POLL_MS = 80 };

/* A shorter pass measures buffers and round trips, not the link. */
static const double measured_s = 0.05;

/* Where the present pass began, and what was last seen moving. */
struct watch {
	uint64_t pass;
	struct mono pass_at;
	uint64_t pass_sent; /* tunnel bytes at its begin */
	double dirty_bps;   /* NAN before the first pass has ended */
	double bandwidth_bps;
	struct mono sample_at;
	uint64_t sample_sent;
};

static void tell_sample(struct run *r, struct watch *w,
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
		.downtime_limit_ms = r->downtime_limit_ms,
		.throttle_percent = info->throttle_percent,
		.elapsed_ms = mono_diff_ms(now, r->migrate_at),
	};
	run_tell(r, &ev);
}

static void tell_pass(struct run *r, const struct policy_pass *pass,
		      const struct policy_decision *d)
{
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
			.p_converge = NAN,
		},
	};

	run_tell(r, &ev);
}

static void tell_decision(struct run *r, const struct policy_decision *d)
{
	struct event ev = {
		.kind = EVENT_DECISION,
		.decision = {
			.action = policy_action_name(d->action),
			.why = d->why,
			.downtime_limit_ms = d->gate_ms,
		},
	};

	run_tell(r, &ev);
}

static int obey(struct run *r, const struct policy_decision *d, struct err *err)
{
	if (d->action == POLICY_WAIT)
		return 0;
	tell_decision(r, d);
	free(r->result->decision);
	r->result->decision = xstrdup(d->why);
	if (d->lifted)
		r->budget_lifted = true;
	if (d->lifted)
		run_warn(r, "budget-lifted", "%s", d->why);
	if (d->action == POLICY_OPEN)
		return run_set_downtime_limit(r, d->gate_ms, err);
	err_set(err, ERR_BUDGET, "%s", d->why);
	err_wrap(err, ERR_BUDGET, "the migration would not keep its bounds");
	return err_hint(err, "give it a larger --max-blackout, a later "
			     "--deadline, or --on-deadline force");
}

/*
 * After the first pass: each later one copies what the one before re-dirtied, a
 * share q = W / sent of it, so what is left takes W/B · 1/(1-q). With q >= 1
 * the passes do not shrink, and no total can be told.
 */
static void forecast(struct run *r, const struct policy_pass *pass,
		     double elapsed_ms)
{
	double q = (double)pass->dirty_bytes / (double)pass->sent_bytes;
	double copy_ms = (double)pass->dirty_bytes / pass->bandwidth_bps * 1e3;
	struct result *res = r->result;

	if (pass->bandwidth_bps <= 0)
		return;
	res->forecast_converges = q < 1;
	if (q >= 1)
		return;
	res->forecast_total_ms =
		elapsed_ms + copy_ms / (1 - q) + r->policy.fixed_ms;
	res->forecast_blackout_ms = r->policy.gate_ms + r->policy.fixed_ms;
}

static int end_pass(struct run *r, struct watch *w,
		    const struct qmp_migrate_info *info,
		    const struct tunnel_stats *t, struct mono now,
		    struct err *err)
{
	struct policy_pass pass = {
		.number = (int64_t)info->dirty_sync_count,
		.seconds = mono_diff_ms(now, w->pass_at) / 1e3,
		.sent_bytes = (int64_t)(t->sent_bytes - w->pass_sent),
		.dirty_bytes = (int64_t)info->remaining_bytes,
	};
	struct policy_decision d;

	if (pass.seconds > measured_s && pass.sent_bytes > 0)
		pass.bandwidth_bps = (double)pass.sent_bytes / pass.seconds;
	if (pass.seconds > 0)
		w->dirty_bps = (double)pass.dirty_bytes / pass.seconds;
	w->pass = info->dirty_sync_count;
	w->pass_at = now;
	w->pass_sent = t->sent_bytes;
	policy_pass(&r->policy, &pass, &d);
	tell_pass(r, &pass, &d);
	if (r->policy.passes == 1)
		forecast(r, &pass, mono_diff_ms(now, r->started));
	r->result->passes = pass.number;
	return obey(r, &d, err);
}

static int tunnel_failed(struct run *r, struct err *err)
{
	AUTO_ERR struct err e = { 0 };

	if (tunnel_verdict(r->tunnel, &e) == 0)
		err_set(&e, ERR_CLOSED, "it was closed from the far side");
	err_move(err, &e);
	err_wrap(err, ERR_NETWORK, "the tunnel to %s ended",
		 host_name(r->dst_host));
	return err_at_host(err, host_name(r->dst_host));
}

/* What made QEMU's own migration fail; the far QEMU's words are the best. */
static int explain_failure(struct run *r, const char *words, struct err *err)
{
	AUTO_FREE char *far = NULL;
	struct tunnel_stats t;

	tunnel_stats(r->tunnel, &t);
	if (host_ping(r->dst_host, mono_in_ms(RUN_QMP_MS), NULL) == 0)
		far = run_dst_stderr(r);
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
	return err_at_host(err, host_name(r->dst_host));
}

int run_explain_failure(struct run *r, struct err *err)
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
	if (run_guest_alive(r, err) < 0)
		return -1;
	if (t->ended || qmp_check(r->dst.qmp, NULL) < 0) {
		/* finding words takes time; the guest must not stop in it */
		(void)qmp_migrate_cancel(r->src.qmp, run_qmp_deadline(), NULL);
		return explain_failure(r, NULL, err);
	}
	if (host_alive(r->dst_host, RUN_STALL_MS, err) < 0)
		return err_at_host(err, host_name(r->dst_host));
	if (mono_diff_ms(now, t->progress) > RUN_STALL_MS) {
		err_set(err, ERR_NETWORK,
			"the tunnel to %s has not moved a byte for %d s",
			host_name(r->dst_host), RUN_STALL_MS / 1000);
		return err_at_host(err, host_name(r->dst_host));
	}
	return 0;
}

/*
 * QEMU stops the guest and leaves `active` in one step. A guest that stands
 * still in `active` was stopped by somebody, and is to stay so.
 */
static void notice_pause(struct run *r, const struct qmp_migrate_info *info)
{
	struct qmp_status st;

	if (!r->stop_seen || info->status != MIGRATION_ACTIVE ||
	    qmp_query_status(r->src.qmp, &st, run_qmp_deadline(), NULL) < 0 ||
	    st.state != RUN_PAUSED)
		return;
	log_info("source", "the guest was paused by somebody");
	r->stop_seen = false;
	r->facts.first_status = st;
	r->result->state = "PAUSED";
	/* a recovery must not start it, either */
	record_note(r, JOURNAL_SWITCH);
}

static int take_sample(struct run *r, struct watch *w,
		       const struct qmp_migrate_info *info,
		       const struct tunnel_stats *t, struct mono now,
		       struct err *err)
{
	r->result->transferred_bytes = (int64_t)info->transferred_bytes;
	tell_sample(r, w, info, t, now);
	if (info->dirty_sync_count > w->pass && w->pass)
		return end_pass(r, w, info, t, now, err);
	if (!w->pass)
		w->pass = info->dirty_sync_count;
	return 0;
}

static bool is_lost(enum migration_status s)
{
	return s == MIGRATION_FAILED || s == MIGRATION_CANCELLED ||
	       s == MIGRATION_FAILING;
}

/* 1: go on watching, 0: the guest stands at pre-switchover, -1. */
static int look(struct run *r, struct watch *w, struct err *err)
{
	struct qmp_migrate_info info = { 0 };
	AUTO_ERR struct err e = { 0 };
	struct policy_decision d;
	struct tunnel_stats t;
	struct mono now;
	int rc = 1;

	/* no answer in time is no reason yet; a tunnel that stands still is */
	if (qmp_query_migrate(r->src.qmp, &info, run_qmp_deadline(), &e) < 0 &&
	    e.kind != ERR_TIMEOUT) {
		if (run_guest_alive(r, err) == 0)
			err_move(err, &e);
		return -1;
	}
	now = mono_now();
	tunnel_stats(r->tunnel, &t);
	if (is_lost(info.status)) {
		rc = explain_failure(r, info.error_desc, err);
	} else if (info.status == MIGRATION_PRE_SWITCHOVER) {
		rc = 0;
	} else {
		notice_pause(r, &info);
		if (info.has_ram && take_sample(r, w, &info, &t, now, err) < 0)
			rc = -1;
	}
	qmp_migrate_info_free(&info);
	if (rc != 1)
		return rc;
	policy_tick(&r->policy, mono_diff_ms(now, r->started) / 1e3, &d);
	if (obey(r, &d, err) < 0 || watch_health(r, &t, now, err) < 0)
		return -1;
	return 1;
}

int run_precopy(struct run *r, struct err *err)
{
	struct watch w = {
		.pass_at = r->migrate_at,
		.sample_at = r->migrate_at,
		.dirty_bps = NAN,
	};

	for (;;) {
		int rc;

		run_take_events(r);
		/* the guest stands still: no more questions, go on at once */
		if (r->pre_switchover_seen)
			return 0;
		rc = look(r, &w, err);
		if (rc <= 0)
			return rc;
		if (run_await(r, POLL_MS, err) < 0)
			return -1;
	}
}
