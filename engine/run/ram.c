/* SPDX-License-Identifier: MIT */
/*
 * ram: capabilities, parameters, the tunnel, and the start of QEMU's
 * migration; each with its undo.
 */
#include <math.h>
#include <stdlib.h>

#include "engine/policy/policy_auto.h"
#include "engine/run/run_events.h"
#include "engine/run/run_journal.h"
#include "engine/run/run.h"
#include "qmp/json.h"
#include "transport/base/log.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

static const char fd_name[] = "vmferry";

enum { POLL_MS = 50 };

/* --- capabilities and parameters, put back afterwards -------------------- */

/*
 * What a run needs to be on or off. Capabilities that a QEMU does not know are
 * left out: setting is all-or-nothing.
 */
struct wanted {
	const char *name;
	enum { OFF, ON, ON_TO_THROTTLE, ON_IF_XBZRLE } on;
	bool source, destination;
};

static const struct wanted wanted[] = {
	{ "events", ON, true, true },
	/* the source says `completed` only when the destination has all */
	{ "return-path", ON, true, true },
	{ "pause-before-switchover", ON, true, false },
	/* images stay unlocked until the one `cont` */
	{ "late-block-activate", ON, false, true },
	{ "validate-uuid", ON, true, true },
	/* one stream, as it is: what an earlier user left on would not match */
	{ "multifd", OFF, true, true },
	{ "compress", OFF, true, true },
	{ "rdma-pin-all", OFF, true, true },
	{ "x-colo", OFF, true, true },
	{ "background-snapshot", OFF, true, false },
	{ "mapped-ram", OFF, true, true },
	{ "zero-copy-send", OFF, true, false },
	{ "postcopy-ram", OFF, true, true },
	{ "postcopy-preempt", OFF, true, true },
	{ "dirty-bitmaps", OFF, true, true },
	{ "block", OFF, true, false },
	{ "x-ignore-shared", OFF, true, true },
	{ "switchover-ack", OFF, true, true },
	/* cannot be changed later, while its parameters can */
	{ "auto-converge", ON_TO_THROTTLE, true, false },
	{ "xbzrle", ON_IF_XBZRLE, true, false },
	/* put back after a rehearsal; else it is the owner's */
	{ "dirty-limit", OFF, false, false },
};

static bool is_on(const struct run *r, const struct wanted *w)
{
	switch (w->on) {
	case ON:
		return true;
	case ON_TO_THROTTLE:
		return r->opt->throttle != MIGRATE_THROTTLE_OFF;
	case ON_IF_XBZRLE:
		return r->xbzrle_cache_bytes > 0;
	case OFF:
		break;
	}
	return false;
}

static int set_capabilities(struct run *r, struct run_side *s, struct err *err)
{
	bool source = s == &r->src;
	struct qmp_capability caps[ARRAY_SIZE(wanted)];
	size_t n = 0;
	bool now;

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		const struct wanted *w = &wanted[i];
		bool on = is_on(r, w);

		if (!(source ? w->source : w->destination) ||
		    !qmp_capability_known(s->caps, w->name, &now) || now == on)
			continue;
		caps[n++] = (struct qmp_capability){ w->name, on };
	}
	if (!n)
		return 0;
	s->caps_changed = true;
	return qmp_migrate_set_capabilities(s->qmp, caps, n, run_qmp_deadline(),
					    err);
}

static int restore_capabilities(struct run_side *s, struct err *err)
{
	struct qmp_capability caps[ARRAY_SIZE(wanted)];
	size_t n = 0;

	if (!s->caps_changed)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		bool before;

		if (!qmp_capability_known(s->caps, wanted[i].name, &before))
			continue;
		caps[n++] = (struct qmp_capability){ wanted[i].name, before };
	}
	if (qmp_migrate_set_capabilities(s->qmp, caps, n, run_qmp_deadline(),
					 err) < 0)
		return -1;
	s->caps_changed = false;
	return 0;
}

/*
 * QEMU begins with `initial` and goes on to the lesser of `increment` more and
 * `max`, each at the second sync in a row that found more dirty than the
 * threshold allows. With a threshold of 1 % that is every other second, so all
 * three together set the throttle there and then, up or down. 1 % is the least
 * that there is: armed, and as good as none.
 */
static struct json_object *add_throttle(struct json_object *p, double share)
{
	uint64_t percent = share > 0.01 ? (uint64_t)lround(share * 100) : 1;

	p = json_add_u64(p, "cpu-throttle-initial", percent);
	p = json_add_u64(p, "cpu-throttle-increment", 99);
	return json_add_u64(p, "max-cpu-throttle", percent);
}

int run_set_throttle(struct run *r, double share, struct err *err)
{
	if (qmp_migrate_set_parameters(r->src.qmp,
				       add_throttle(json_new(), share),
				       run_qmp_deadline(), err) < 0)
		return -1;
	r->throttle = share;
	return 0;
}

static int set_parameters(struct run *r, struct err *err)
{
	double gate = r->policy->first_gate_ms(&r->wanted);
	struct json_object *p;

	p = json_add_u64(json_new(), "downtime-limit", (uint64_t)gate);
	p = json_add_u64(p, "max-bandwidth", r->opt->bandwidth_bps);
	if (r->opt->throttle != MIGRATE_THROTTLE_OFF) {
		r->throttle = fmax(r->opt->throttle, 0) / 100.0;
		p = add_throttle(p, r->throttle);
		p = json_add_u64(p, "throttle-trigger-threshold", 1);
	}
	if (r->xbzrle_cache_bytes)
		p = json_add_u64(p, "xbzrle-cache-size", r->xbzrle_cache_bytes);
	r->src.params_changed = true;
	r->downtime_limit_ms = r->gate_limit_ms = gate;
	return qmp_migrate_set_parameters(r->src.qmp, p, run_qmp_deadline(),
					  err);
}

static int restore_parameters(struct run_side *s, struct err *err)
{
	static const char *const ours[] = {
		"downtime-limit",
		"max-bandwidth",
		"cpu-throttle-initial",
		"cpu-throttle-increment",
		"max-cpu-throttle",
		"throttle-trigger-threshold",
		"avail-switchover-bandwidth",
		"xbzrle-cache-size",
	};
	struct json_object *p = json_new();

	if (!s->params_changed) {
		json_object_put(p);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
		struct json_at at = { s->params, "query-migrate-parameters" };
		uint64_t before;

		if (json_get_u64(at, ours[i], &before, NULL) == 0)
			p = json_add_u64(p, ours[i], before);
	}
	s->params_changed = false;
	return qmp_migrate_set_parameters(s->qmp, p, run_qmp_deadline(), err);
}

static void set_wanted(struct run *r)
{
	double fixed_ms;

	pair_load(&r->pair, run_state(r), r->dst_facts.machine_id);
	fixed_ms = pair_fixed_ms(&r->pair);
	r->policy = r->opt->policy ? r->opt->policy : &policy_auto;
	r->wanted = (struct policy_facts){
		.budget_ms = fmax(r->opt->max_blackout_ms - r->paused_ms, 0),
		.force = r->opt->on_deadline == ON_DEADLINE_FORCE,
		.ram_bytes = (double)r->facts.ram_bytes,
		.fixed_ms = fixed_ms > 0 ? fixed_ms : POLICY_FIXED_MS,
		.fixed_worst_ms = pair_worst_fixed_ms(&r->pair),
		.may_throttle = r->opt->throttle == MIGRATE_THROTTLE_AUTO,
		.throttle_max = 0.99,
	};
}

/* The policy counts from now on, the deadline from when the run began. */
static void set_deadline(struct run *r)
{
	double spent_s = mono_diff_ms(r->migrate_at, r->started) / 1e3;

	/* one that is over already comes at the first look */
	if (r->opt->deadline_s > 0)
		r->wanted.deadline_s =
			fmax(r->opt->deadline_s - spent_s, 0.001);
}

static int read_settings(struct run *r, struct err *err)
{
	if (qmp_query_capabilities(r->dst.qmp, &r->dst.caps, run_qmp_deadline(),
				   err) < 0 ||
	    qmp_query_capabilities(r->src.qmp, &r->src.caps, run_qmp_deadline(),
				   err) < 0 ||
	    qmp_query_migrate_parameters(r->src.qmp, &r->src.params,
					 run_qmp_deadline(), err) < 0)
		return -1;
	return 0;
}

int run_prepare(struct run *r, struct err *err)
{
	AUTO_FREE char *uri = xasprintf("unix:%s/mig.sock", r->dst_dir);

	set_wanted(r);
	if (read_settings(r, err) < 0 || run_arm(r, err) < 0)
		return err_wrap(err, ERR_FAILED, "cannot prepare QEMU");
	if (r->xbzrle_cache_bytes)
		r->wanted.xbzrle_shrink = r->xbzrle_shrink;
	/* on disk before the first of them is changed */
	if (record_write(r, JOURNAL_DEST, err) < 0 ||
	    set_capabilities(r, &r->dst, err) < 0 ||
	    set_capabilities(r, &r->src, err) < 0 || set_parameters(r, err) < 0)
		return err_wrap(err, ERR_FAILED, "cannot prepare QEMU");
	/* a second lock on the door that -S closes: clears its autostart */
	if (qmp_stop(r->dst.qmp, run_qmp_deadline(), err) < 0 ||
	    qmp_migrate_incoming(r->dst.qmp, uri, run_qmp_deadline(), err) < 0)
		return err_wrap(err, ERR_FAILED,
				"QEMU on %s does not accept a migration",
				host_name(r->dst_host));
	return 0;
}

int run_unprepare(struct run *r, struct err *err)
{
	int rc = 0;

	if (r->by_lesson)
		record_pair(r, NULL);
	r->by_lesson = false;
	if (run_source_gone(r))
		return 0;
	if (restore_parameters(&r->src, err) < 0)
		rc = -1;
	if (restore_capabilities(&r->src, rc ? NULL : err) < 0)
		rc = -1;
	if (rc < 0)
		err_wrap(err, ERR_NONE,
			 "migration settings of the source's QEMU could not be "
			 "put back");
	return rc;
}

/* After success the destination is as a fresh QEMU would be. */
int run_reset_destination(struct run *r, struct err *err)
{
	return restore_capabilities(&r->dst, err);
}

/* --- the tunnel ---------------------------------------------------------- */

int run_open_tunnel(struct run *r, struct err *err)
{
	AUTO_FREE char *path = xasprintf("%s/mig.sock", r->dst_dir);
	AUTO_FD int fd = -1;

	r->tunnel =
		host_tunnel(r->dst_host, path, mono_in_ms(RUN_CONNECT_MS), err);
	if (!r->tunnel)
		return err_wrap(err, ERR_FAILED, "cannot open the tunnel to %s",
				host_name(r->dst_host));
	fd = tunnel_start_pair(r->tunnel, 0, err);
	if (fd >= 0) {
		/* one that is not answered in time may have it all the same */
		r->fd_handed = true;
		if (qmp_getfd(r->src.qmp, fd_name, fd, run_qmp_deadline(),
			      err) == 0)
			return 0;
	}
	return err_wrap(err, ERR_FAILED, "cannot hand the tunnel to QEMU");
}

int run_close_tunnel(struct run *r, struct err *err)
{
	AUTO_ERR struct err e = { 0 };
	struct tunnel_stats t;

	if (r->tunnel) {
		tunnel_stats(r->tunnel, &t);
		r->spent_bytes += t.sent_bytes + t.received_bytes;
	}
	tunnel_free(r->tunnel);
	r->tunnel = NULL;
	if (!r->fd_handed || r->migrating || run_source_gone(r))
		return 0;
	r->fd_handed = false;
	if (qmp_closefd(r->src.qmp, fd_name, run_qmp_deadline(), &e) == 0)
		return 0;
	/* it never came there, or an unanswered `migrate` has taken it */
	if (err_has(&e, ERR_QMP))
		return 0;
	err_move(err, &e);
	return -1;
}

/* --- the migration itself ------------------------------------------------ */

int run_start(struct run *r, struct err *err)
{
	AUTO_FREE char *uri = xasprintf("fd:%s", fd_name);

	r->migrating = true;
	r->migrate_at = mono_now();
	set_deadline(r);
	if (qmp_migrate(r->src.qmp, uri, run_qmp_deadline(), err) < 0) {
		/* refused outright: QEMU keeps the descriptor */
		r->migrating = err_has(err, ERR_QMP) ? false : true;
		return err_wrap(err, ERR_FAILED,
				"QEMU does not start to "
				"migrate");
	}
	/* `migrate` took it out of the monitor's keeping */
	r->fd_handed = false;
	return 0;
}

/* Out of `setup` in time; QEMU itself would wait for ever. */
int run_started(struct run *r, struct err *err)
{
	struct mono until = mono_in_ms(RUN_SETUP_MS);
	struct qmp_migrate_info info = { 0 };

	for (;;) {
		enum migration_status s;

		if (qmp_query_migrate(r->src.qmp, &info, run_qmp_deadline(),
				      err) < 0)
			return -1;
		s = info.status;
		qmp_migrate_info_free(&info);
		if (s != MIGRATION_NONE && s != MIGRATION_SETUP)
			return 0;
		if (mono_before(until, mono_now()))
			return err_set(err, ERR_FAILED,
				       "the migration does not get out of "
				       "setup");
		/* a small guest may stand at pre-switchover in a moment */
		if (run_await(r, POLL_MS, err) < 0)
			return -1;
	}
}

static bool is_over(enum migration_status s)
{
	return s == MIGRATION_NONE || s == MIGRATION_FAILED ||
	       s == MIGRATION_CANCELLED || s == MIGRATION_COMPLETED;
}

/*
 * Brings the source's migration to an end. In `device` a cancel could leave
 * two running guests and QMP hangs when the stream does, so there only the
 * closed tunnel may end it; elsewhere it is cancelled first, and the tunnel is
 * closed all the same, since a cancel may wait for the stream.
 */
static int end_migration(struct run *r, struct err *err)
{
	struct mono until = mono_in_ms(RUN_UNDO_MS);
	struct qmp_migrate_info info = { 0 };
	bool cancelled = false;

	run_take_events(r);
	if (r->src_status == MIGRATION_DEVICE && r->tunnel)
		tunnel_kill(r->tunnel);
	for (;;) {
		enum migration_status s;

		if (qmp_query_migrate(r->src.qmp, &info, run_qmp_deadline(),
				      err) < 0)
			return -1;
		s = info.status;
		qmp_migrate_info_free(&info);
		if (is_over(s))
			return 0;
		if (s != MIGRATION_DEVICE && !cancelled) {
			cancelled = true;
			if (qmp_migrate_cancel(r->src.qmp, run_qmp_deadline(),
					       err) < 0)
				return -1;
		}
		if (r->tunnel)
			tunnel_kill(r->tunnel);
		if (mono_before(until, mono_now()))
			return err_set(err, ERR_FAILED,
				       "the migration does "
				       "not end");
		if (task_sleep_until(mono_in_ms(POLL_MS), err) < 0)
			return -1;
	}
}

/* The second session takes the place of one that was lost. */
static void use_spare(struct run_side *s, struct waitq *wake)
{
	qmp_listener_free(s->events);
	qmp_close(s->qmp);
	s->qmp = STEAL(s->rescue);
	s->events = qmp_listen(s->qmp, wake);
}

/*
 * The monitor is lost, or hangs with the stream. The closed tunnel alone frees
 * QEMU in most cases, so it is asked once more in any case.
 */
static int rescue(struct run *r, struct err *err)
{
	struct run_side *s = &r->src;
	AUTO_ERR struct err e = { 0 };

	if (r->tunnel)
		tunnel_kill(r->tunnel);
	if (s->rescue && qmp_check(s->qmp, NULL) < 0 &&
	    qmp_check(s->rescue, NULL) == 0) {
		log_warn("source", "the monitor is lost; using the other one");
		use_spare(s, &r->wake);
	} else if (s->rescue && qmp_has_oob(s->rescue)) {
		log_warn("source", "the monitor hangs; yanking the migration");
		if (qmp_yank_migration(s->rescue, run_qmp_deadline(), &e) < 0)
			log_warn("source", "yank failed: %s", e.message);
	}
	err_reset(err);
	return end_migration(r, err);
}

/* Nothing but what ran before may run again, and that must. */
static int resume_source(struct run *r, struct err *err)
{
	struct mono settled = mono_in_ms(RUN_UNDO_MS / 10);
	struct mono until = mono_in_ms(RUN_UNDO_MS);
	struct qmp_status st;

	for (;;) {
		if (qmp_query_status(r->src.qmp, &st, run_qmp_deadline(), err) <
		    0)
			return -1;
		if (st.running || !r->facts.first_status.running)
			break;
		if (st.state == RUN_SHUTDOWN || st.state == RUN_GUEST_PANICKED)
			break;
		/* QEMU does not stay there by itself: its user paused it */
		if (st.state == RUN_PAUSED && mono_before(settled, mono_now()))
			break;
		/* QEMU resumes by itself; postmigrate is where it does not */
		if (st.state == RUN_POSTMIGRATE &&
		    qmp_cont(r->src.qmp, run_qmp_deadline(), err) < 0)
			return -1;
		if (mono_before(until, mono_now()))
			return err_set(err, ERR_UNDECIDED,
				       "%s stands in run state %s",
				       guest_label(&r->guest), st.raw);
		if (task_sleep_until(mono_in_ms(POLL_MS), err) < 0)
			return -1;
	}
	r->result->state = st.running ? "RUNNING" : "PAUSED";
	if (st.state == RUN_POSTMIGRATE)
		run_warn(r, "postmigrate",
			 "%s was paused before and stands in postmigrate now; "
			 "QEMU migrates it again only after a `cont`",
			 guest_label(&r->guest));
	return 0;
}

int run_unstart(struct run *r, struct err *err)
{
	if (!r->migrating || run_source_gone(r))
		return 0;
	if (end_migration(r, err) < 0 && rescue(r, err) < 0) {
		if (run_source_gone(r))
			return 0;
		r->source_unsure = true;
		return err_wrap(err, ERR_UNDECIDED,
				"the migration on the source could not be "
				"ended");
	}
	r->migrating = false;
	if (resume_source(r, err) < 0) {
		if (run_source_gone(r))
			return 0;
		r->source_unsure = true;
		return err_wrap(err, ERR_UNDECIDED,
				"%s was not seen running on the source again",
				guest_label(&r->guest));
	}
	return 0;
}
