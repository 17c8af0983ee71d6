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
#include <stdlib.h>
#include <string.h>

#include "engine/policy/history.h"
#include "engine/policy/policy_auto.h"
#include "engine/run/gate.h"
#include "engine/run/prepare.h"
#include "engine/run/run_events.h"
#include "engine/run/run_journal.h"
#include "engine/run/run.h"
#include "transport/base/log.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

enum {
	/* Between two looks at query-migrate, unless an event comes. */
	POLL_MS = 80,
	/* Passes that show what a pass costs besides copying. */
	TELLING_PASSES = 4,
	/* A pass that copied less does not show what xbzrle gains. */
	TELLING_BYTES = 128 * 1024,
	/* The last look at what is left, at most, with the guest stopped. */
	LAST_LOOK_MS = 1000,
};

/* A shorter pass does not measure the link well enough to be remembered. */
static const double told_s = 0.3;
/* The link carries as much more than a pass in all: a pass has an overhead. */
static const double overhead_room = 1.1;
/* QEMU looks once a second, at a sync, whether to throttle. */
static const double heeded_s = 1;
/* A throttle of which the policy may be expected to make use. */
static const double strong_throttle = 0.8;
/* A sample of the guest's pages may see fewer changes than a pass does. */
static const double least_shrink = 0.05;

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
	double best_bytes;  /* least left after a pass */
	int stuck;	    /* passes since then */

	struct history history;
};

/* Passes since the least that was ever left after one. */
static void note_gain(struct watch *w, double left_bytes)
{
	if (w->best_bytes <= 0 || left_bytes < FORECAST_GAIN * w->best_bytes) {
		w->best_bytes = left_bytes;
		w->stuck = 0;
	} else {
		w->stuck++;
	}
}

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
		.downtime_limit_ms = r->attempt.downtime_limit_ms,
		.throttle_percent = info->throttle_percent,
		.elapsed_ms = mono_diff_ms(now, r->attempt.migrate_at),
	};
	run_tell(r, &ev);
}

static void tell_pass(struct run *r, const struct policy_pass *pass,
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

/* Bytes a second of the fastest pass; zero pages make a first one slow. */
static double wire_bps(const struct watch *w)
{
	double most = 0;

	for (size_t i = 0; i < w->history.view.n_passes; i++) {
		if (w->history.view.passes[i].seconds >= told_s)
			most = fmax(most,
				    w->history.view.passes[i].bandwidth_bps);
	}
	return most;
}

/*
 * Bytes of memory in one of the stream, in the worst of the last passes: 1
 * without xbzrle, and until it was seen to do more.
 */
static double stream_ratio(const struct watch *w)
{
	double worst = INFINITY;
	size_t n = 0;

	for (size_t i = w->history.view.n_passes; i > 0 && n < TELLING_PASSES;
	     i--) {
		const struct policy_pass *p = &w->history.view.passes[i - 1];

		if (!p->encoded)
			break;
		if (p->copied_bytes < TELLING_BYTES || p->sent_bytes <= 0)
			continue;
		worst = fmin(worst,
			     (double)p->copied_bytes / (double)p->sent_bytes);
		n++;
	}
	return n > 1 ? fmax(worst, 1) : 1;
}

/*
 * What the last copy can count on, bytes of memory a second: a link that has
 * slowed down since the last pass, or pages that xbzrle does less for, are not
 * to make the pause longer than was reckoned.
 */
static double sure_bps(const struct watch *w)
{
	double bps = policy_bandwidth_bps(&w->history.view);

	if (w->history.view.link->encoded && wire_bps(w) > 0)
		return fmin(bps, wire_bps(w) * stream_ratio(w));
	/* a pass has its overhead, too */
	if (w->pass_bps > 0)
		return fmin(bps, w->pass_bps * overhead_room);
	return bps;
}

/* The policies of others take the gate as QEMU has it. */
static int set_gate(struct run *r, const struct watch *w, double ms,
		    struct err *err)
{
	if (r->attempt.policy != &policy_auto)
		return run_set_gate(r, ms, 0, 1, err);
	return run_set_gate(r, ms, sure_bps(w), stream_ratio(w), err);
}

static int obey(struct run *r, const struct watch *w,
		const struct policy_decision *d, struct err *err)
{
	/* the gate that stands is to mean what it meant */
	if (d->action == POLICY_WAIT)
		return set_gate(r, w, r->attempt.downtime_limit_ms, err);
	tell_decision(r, d);
	if (d->lifted)
		r->attempt.budget_lifted = true;
	if (d->lifted)
		run_warn(r, "budget-lifted", "%s", d->why);
	if (d->action == POLICY_THROTTLE)
		return run_set_throttle(r, d->throttle, err);
	free(r->result->decision);
	r->result->decision = xstrdup(d->why);
	if (d->action == POLICY_GATE)
		return set_gate(r, w, d->gate_ms, err);
	err_set(err, ERR_BUDGET, "%s", d->why);
	err_wrap(err, ERR_BUDGET, "the migration would not keep its bounds");
	return err_hint(err, "give it a larger --max-blackout, a later "
			     "--deadline, or --on-deadline force");
}

/*
 * Where nothing else will do the guest is going to be throttled: not before
 * passes were stuck for a while, nor before QEMU gets around to it.
 */
static void look_ahead_throttled(const struct watch *w,
				 const struct forecast_start *from,
				 struct forecast_setting *s,
				 struct forecast *out)
{
	double stuck_s =
		w->history.view.passes[w->history.view.n_passes - 1].at_s -
		w->history.view.passes[0].at_s;
	double comes_s = fmax(POLICY_PULL_S - stuck_s, 0) + heeded_s;

	s->throttle = strong_throttle;
	if (s->deadline_s > 0)
		s->deadline_s = fmax(s->deadline_s - comes_s, 0.001);
	forecast_run(w->history.view.curve, from, s, out);
	out->seconds.p50 += comes_s;
	out->seconds.p90 += comes_s + heeded_s;
	out->bytes.p50 += comes_s * s->bandwidth_bps;
	out->bytes.p90 += (comes_s + heeded_s) * s->bandwidth_bps;
}

/* From the end of the last pass on, as the policy may be expected to go. */
static void look_ahead(const struct run *r, const struct watch *w,
		       struct forecast *out)
{
	const struct policy_pass *pass = history_last_pass(&w->history);
	struct forecast_start from = {
		.left_bytes = (double)pass->dirty_bytes,
		.best_bytes = w->best_bytes,
		.stuck = w->stuck,
	};
	struct forecast_setting s = {
		.bandwidth_bps = policy_bandwidth_bps(&w->history.view),
		.overhead_s = forecast_link_overhead_s(w->history.view.link),
		.fixed_ms = r->attempt.wanted.fixed_ms,
		.hold_ms = POLICY_HOLD_MS,
		.budget_ms = r->attempt.wanted.budget_ms,
		.throttle = r->attempt.throttle,
		.shrink = 1,
	};

	/* what is seen of differences is in the link's bytes a second */
	if (r->attempt.wanted.xbzrle_shrink > 0 &&
	    !w->history.view.link->encoded)
		s.shrink = fmax(r->attempt.wanted.xbzrle_shrink, least_shrink);

	s.final_bps = s.bandwidth_bps;
	if (r->attempt.wanted.deadline_s > 0)
		s.deadline_s =
			fmax(r->attempt.wanted.deadline_s - pass->at_s, 0.001);
	forecast_run(w->history.view.curve, &from, &s, out);
	if (s.shrink < 1 && w->history.view.n_passes == 1) {
		/* the second pass still sends whole pages */
		double more_s =
			from.left_bytes * (1 - s.shrink) / s.bandwidth_bps;

		out->seconds.p50 += more_s;
		out->seconds.p90 += more_s;
	}
	if (out->p_converge < FORECAST_NEVER &&
	    r->attempt.wanted.may_throttle && r->attempt.throttle <= 0)
		look_ahead_throttled(w, &from, &s, out);
}

/* Told in the result: what was known after the first pass. */
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
	double since = (double)(t->sent_bytes - w->sample_sent);
	double left = fmax((double)w->left_bytes - since, 0);
	struct policy_pass p = {
		.number = (int64_t)info->dirty_sync_count,
		.at_s = mono_diff_ms(now, r->attempt.migrate_at) / 1e3,
		.seconds = mono_diff_ms(now, w->pass_at) / 1e3,
		.sent_bytes = (int64_t)(t->sent_bytes - w->pass_sent),
		.dirty_bytes = (int64_t)info->remaining_bytes,
		.throttle = w->throttle,
		.gate_ms = r->attempt.downtime_limit_ms,
		/* the second pass fills the cache */
		.encoded = r->attempt.xbzrle_cache_bytes &&
			   w->history.view.n_passes >= 2,
	};

	if (p.seconds > POLICY_LINK_PASS_S && p.sent_bytes > 0)
		p.bandwidth_bps = (double)p.sent_bytes / p.seconds;
	p.copied_bytes = p.sent_bytes;
	/* zero pages of the first pass cost nothing, and are not copied */
	if (!w->history.view.n_passes)
		return p;
	p.left_bytes = (int64_t)fmin(left, (double)p.dirty_bytes);
	p.copied_bytes = w->history.view.passes[w->history.view.n_passes - 1]
				 .dirty_bytes -
			 p.left_bytes;
	if (p.copied_bytes < 0)
		p.copied_bytes = 0;
	return p;
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
	/* it changes at syncs only; 1 % is armed, no more */
	w->throttle =
		info->throttle_percent > 1 ? info->throttle_percent / 100.0 : 0;
	history_add_pass(&w->history, &pass);
	note_gain(w, (double)pass.dirty_bytes);
	look_ahead(r, w, &f);
	if (w->history.view.n_passes == 1)
		keep_first_forecast(r, &f, mono_diff_ms(now, r->started));
	r->result->passes = pass.number;
	rc = decide(r, w, now, true, &d, err);
	tell_pass(r, &pass, &d, &f);
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

/* What made QEMU's own migration fail; the far QEMU's words are the best. */
static int explain_failure(struct run *r, const char *words, struct err *err)
{
	AUTO_FREE char *far = NULL;
	struct tunnel_stats t;

	tunnel_stats(r->attempt.tunnel, &t);
	if (host_ping(r->dst.host, mono_in_ms(RUN_QMP_MS), NULL) == 0)
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
	return err_at_host(err, host_name(r->dst.host));
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
	if (host_alive(r->dst.host, RUN_STALL_MS, err) < 0)
		return err_at_host(err, host_name(r->dst.host));
	if (mono_diff_ms(now, t->progress) > RUN_STALL_MS) {
		err_set(err, ERR_NETWORK,
			"the tunnel to %s has not moved a byte for %d s",
			host_name(r->dst.host), RUN_STALL_MS / 1000);
		return err_at_host(err, host_name(r->dst.host));
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

	if (!r->attempt.clock.stop_seen || info->status != MIGRATION_ACTIVE ||
	    qmp_query_status(r->src.qmp, &st, run_qmp_deadline(), NULL) < 0 ||
	    st.state != RUN_PAUSED)
		return;
	log_info("source", "the guest was paused by somebody");
	run_source_paused(r, &st);
	r->result->state = "PAUSED";
	/* a recovery must not start it, either */
	record_note(r, JOURNAL_SWITCH);
}

static int take_sample(struct run *r, struct watch *w,
		       const struct qmp_migrate_info *info,
		       const struct tunnel_stats *t, struct mono now,
		       struct err *err)
{
	struct policy_decision d;
	bool ended = info->dirty_sync_count > w->pass && w->pass;
	double since_s;
	int rc = 0;

	since_s = mono_diff_ms(now, w->pass_at) / 1e3;
	w->pass_bps = since_s >= told_s
			      ? (double)(t->sent_bytes - w->pass_sent) / since_s
			      : 0;

	r->result->transferred_bytes = (int64_t)info->transferred_bytes;
	/* what the pass left over is told by the sample before */
	if (ended)
		rc = end_pass(r, w, info, t, now, err);
	if (!w->pass)
		w->pass = info->dirty_sync_count;
	tell_sample(r, w, info, t, now);
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

/* 1: go on watching, 0: the guest stands at pre-switchover, -1. */
static int look(struct run *r, struct watch *w, struct err *err)
{
	struct qmp_migrate_info info = { 0 };
	AUTO_ERR struct err e = { 0 };
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
	tunnel_stats(r->attempt.tunnel, &t);
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
	return watch_health(r, &t, now, err) < 0 ? -1 : 1;
}

static int watch_passes(struct run *r, struct watch *w, struct err *err)
{
	for (;;) {
		int rc;

		run_take_events(r);
		/* the guest stands still: no more questions, go on at once */
		if (r->attempt.clock.pre_switchover_seen)
			return 0;
		rc = look(r, w, err);
		if (rc <= 0)
			return rc;
		if (run_await(r, POLL_MS, err) < 0)
			return -1;
	}
}

/*
 * What is left to be copied, for the last check of the budget. QEMU before 11
 * syncs once more after pre-switchover, so that `remaining` lacks what was
 * dirtied since the sync before, if only for a moment.
 */
static int reckon_rest(struct run *r, const struct watch *w, struct err *err)
{
	double most_ms =
		fmin(fmax(r->attempt.wanted.budget_ms, 100), LAST_LOOK_MS);
	struct qmp_migrate_info info = { 0 };
	double since_s = (double)(r->attempt.clock.stopped.us -
				  r->attempt.clock.synced.us) /
			 1e6;
	double left;

	if (r->attempt.link.bps <= 0 || !w->history.view.n_passes)
		return 0;
	if (qmp_query_migrate(r->src.qmp, &info, mono_in_ms((int64_t)most_ms),
			      err) < 0)
		return -1;
	left = (double)info.remaining_bytes;
	/* somebody may have set the clock between the two */
	since_s = fmin(since_s, (r->attempt.clock.sync_age_ms + POLL_MS) / 1e3);
	if (qmp_version(r->src.qmp)->major < 11 && r->attempt.clock.synced.us &&
	    since_s > 0)
		left += curve_at(w->history.view.curve,
				 since_s * (1 - w->throttle));
	r->attempt.link.rest_ms = left / r->attempt.link.bps * 1e3;
	qmp_migrate_info_free(&info);
	return 0;
}

/* For the switchover, and for those who migrate here after us. */
static int sum_up(struct run *r, const struct watch *w, struct err *err)
{
	r->attempt.link.bps = sure_bps(w);
	r->attempt.link.wire_bps = wire_bps(w);
	if (w->history.view.n_passes >= TELLING_PASSES)
		r->attempt.link.overhead_ms =
			forecast_link_overhead_s(w->history.view.link) * 1e3;
	/* nobody else asks what is left */
	if (r->attempt.policy != &policy_auto || r->attempt.budget_lifted)
		return 0;
	return reckon_rest(r, w, err);
}

int run_precopy(struct run *r, struct err *err)
{
	struct watch *w = XNEW(struct watch);
	int rc;

	w->pass_at = w->sample_at = r->attempt.migrate_at;
	w->dirty_bps = NAN;
	history_init(&w->history, &r->attempt.wanted,
		     (double)r->source.facts.ram_bytes,
		     lessons_overhead_ms(&r->pair) / 1e3);
	rc = watch_passes(r, w, err);
	if (rc == 0)
		rc = sum_up(r, w, err);
	history_fini(&w->history);
	free(w);
	return rc;
}
