/* SPDX-License-Identifier: MIT */
/* prepare: the migration settings of both QEMUs, and back. */
#include "engine/run/prepare.h"

#include <math.h>

#include "engine/policy/lever.h"
#include "engine/policy/policy.h"
#include "engine/policy/policy_auto.h"
#include "engine/run/choose_xbzrle.h"
#include "engine/run/learn.h"
#include "engine/run/migrate_options.h"
#include "engine/run/run.h"
#include "engine/run/run_events.h"
#include "engine/run/run_journal.h"
#include "engine/state/journal.h"
#include "qmp/json.h"
#include "qmp/qmp.h"
#include "qmp/qmp_migrate.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"

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
		return r->attempt.xbzrle_cache_bytes > 0;
	case OFF:
		break;
	}
	return false;
}

static int set_capabilities(struct run *r, bool source, struct err *err)
{
	struct attempt_settings *s = source ? &r->attempt.src : &r->attempt.dst;
	struct qmp *q = source ? r->src.qmp : r->dst.qmp;
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
	return qmp_migrate_set_capabilities(q, caps, n, run_qmp_deadline(),
					    err);
}

static int restore_capabilities(struct qmp *q, struct attempt_settings *s,
				struct err *err)
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
	if (qmp_migrate_set_capabilities(q, caps, n, run_qmp_deadline(), err) <
	    0)
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
	uint64_t percent = lever_percent(share);

	p = json_add_u64(p, "cpu-throttle-initial", percent);
	p = json_add_u64(p, "cpu-throttle-increment", 99);
	return json_add_u64(p, "max-cpu-throttle", percent);
}

int prepare_throttle(struct run *r, double share, struct err *err)
{
	if (qmp_migrate_set_parameters(r->src.qmp,
				       add_throttle(json_new(), share),
				       run_qmp_deadline(), err) < 0)
		return -1;
	r->attempt.throttle = share;
	return 0;
}

static int set_parameters(struct run *r, struct err *err)
{
	double gate = r->attempt.policy->first_gate_ms(&r->attempt.wanted);
	struct json_object *p;

	p = json_add_u64(json_new(), "downtime-limit", (uint64_t)gate);
	p = json_add_u64(p, "max-bandwidth", r->opt->bandwidth_bps);
	if (r->opt->throttle != MIGRATE_THROTTLE_OFF) {
		r->attempt.throttle = fmax(r->opt->throttle, 0) / 100.0;
		p = add_throttle(p, r->attempt.throttle);
		p = json_add_u64(p, "throttle-trigger-threshold", 1);
	}
	if (r->attempt.xbzrle_cache_bytes)
		p = json_add_u64(p, "xbzrle-cache-size",
				 r->attempt.xbzrle_cache_bytes);
	r->attempt.src.params_changed = true;
	r->attempt.downtime_limit_ms = r->attempt.gate_limit_ms = gate;
	return qmp_migrate_set_parameters(r->src.qmp, p, run_qmp_deadline(),
					  err);
}

static int restore_parameters(struct qmp *q, struct attempt_settings *s,
			      struct err *err)
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
	return qmp_migrate_set_parameters(q, p, run_qmp_deadline(), err);
}

static void set_wanted(struct run *r)
{
	double fixed_ms;

	learn_recall(r);
	fixed_ms = lessons_fixed_ms(&r->lessons);
	r->attempt.policy = r->opt->policy ? r->opt->policy : &policy_auto;
	r->attempt.wanted = (struct policy_facts){
		.budget_ms =
			fmax(r->opt->max_blackout_ms - r->tries.paused_ms, 0),
		.force = r->opt->on_deadline == ON_DEADLINE_FORCE,
		.ram_bytes = (double)r->source.facts.ram_bytes,
		.fixed_ms = fixed_ms > 0 ? fixed_ms : POLICY_FIXED_MS,
		.fixed_worst_ms = lessons_worst_fixed_ms(&r->lessons),
		.may_throttle = r->opt->throttle == MIGRATE_THROTTLE_AUTO,
		.throttle_max = POLICY_THROTTLE_MAX,
	};
}

int prepare_read_source(struct run *r, struct err *err)
{
	struct attempt_settings *s = &r->attempt.src;

	if (qmp_query_capabilities(r->src.qmp, &s->caps, run_qmp_deadline(),
				   err) < 0)
		return -1;
	return qmp_query_migrate_parameters(r->src.qmp, &s->params,
					    run_qmp_deadline(), err);
}

void prepare_touch_source(struct run *r)
{
	r->attempt.src.params_changed = true;
	r->attempt.src.caps_changed = true;
}

static int read_settings(struct run *r, struct err *err)
{
	if (qmp_query_capabilities(r->dst.qmp, &r->attempt.dst.caps,
				   run_qmp_deadline(), err) < 0)
		return -1;
	return prepare_read_source(r, err);
}

int prepare_run(struct run *r, struct err *err)
{
	set_wanted(r);
	if (read_settings(r, err) < 0 || choose_xbzrle(r, err) < 0)
		return err_wrap(err, ERR_FAILED, "cannot prepare QEMU");
	if (r->attempt.xbzrle_cache_bytes)
		r->attempt.wanted.xbzrle_shrink = r->attempt.xbzrle_shrink;
	/* on disk before the first of them is changed */
	if (run_journal_write(r, JOURNAL_DEST, err) < 0 ||
	    set_capabilities(r, false, err) < 0 ||
	    set_capabilities(r, true, err) < 0 || set_parameters(r, err) < 0)
		return err_wrap(err, ERR_FAILED, "cannot prepare QEMU");
	/* a second lock on the door that -S closes: clears its autostart */
	if (qmp_stop(r->dst.qmp, run_qmp_deadline(), err) < 0 ||
	    lane_listen(r, err) < 0)
		return err_wrap(err, ERR_FAILED,
				"QEMU on %s does not accept a migration",
				host_name(r->dst.host));
	return 0;
}

int prepare_undo(struct run *r, struct err *err)
{
	int rc = 0;

	if (r->attempt.by_lesson)
		learn_keep(r, NULL);
	r->attempt.by_lesson = false;
	if (run_events_source_gone(r))
		return 0;
	if (restore_parameters(r->src.qmp, &r->attempt.src, err) < 0)
		rc = -1;
	if (restore_capabilities(r->src.qmp, &r->attempt.src, rc ? NULL : err) <
	    0)
		rc = -1;
	if (rc < 0)
		err_wrap(err, ERR_NONE,
			 "migration settings of the source's QEMU could not be "
			 "put back");
	return rc;
}

/* After success the destination is as a fresh QEMU would be. */
int prepare_reset_destination(struct run *r, struct err *err)
{
	return restore_capabilities(r->dst.qmp, &r->attempt.dst, err);
}
