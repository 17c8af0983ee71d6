/* SPDX-License-Identifier: MIT */
/* choose_xbzrle: whether a migration uses xbzrle. */
#include "engine/run/choose_xbzrle.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "engine/hosts/admit.h"
#include "engine/policy/policy.h"
#include "engine/run/migrate_options.h"
#include "engine/run/page_sample.h"
#include "engine/run/run.h"
#include "qmp/json.h"
#include "qmp/qmp_migrate.h"
#include "transport/base/log.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

/* A look at the guest's pages takes a second; worth it from here on. */
static const double worth_s = 4;
/* Of the copy: so long may a look that sees little hold it up. */
static const double wait_share = 0.01;

static double cap_bps(const struct run *r)
{
	return r->opt->bandwidth_bps ? (double)r->opt->bandwidth_bps
				     : POLICY_GIGABIT_BPS;
}

static double expected_copy_s(const struct run *r)
{
	double bps = (double)r->opt->bandwidth_bps;
	double learnt = lessons_link_bps(&r->lessons);

	if (learnt > 0 && (bps <= 0 || learnt < bps))
		bps = learnt;
	return (double)r->source.facts.ram_bytes /
	       (bps > 0 ? bps : POLICY_GIGABIT_BPS);
}

/*
 * How long a look that sees little may hold up the copy. What was learnt of the
 * link does not count: a guest that was idle, too, has not shown what it takes.
 */
static double quiet_ms(const struct run *r)
{
	return (double)r->source.facts.ram_bytes / cap_bps(r) * wait_share *
	       1e3;
}

static void emit_choice(struct run *r, const char *why)
{
	struct event ev = {
		.kind = EVENT_DECISION,
		.decision = {
			.action = r->attempt.xbzrle_cache_bytes ? "xbzrle"
							: "no-xbzrle",
			.why = why,
			.downtime_limit_ms = NAN,
		},
	};

	log_info("source", "xbzrle: %s", why);
	run_emit(r, &ev);
}

uint64_t choose_xbzrle_room(const struct run *r)
{
	uint64_t ram = r->source.facts.ram_bytes;
	uint64_t room = admit_spare(r->src.host, r->source.guest.pid, ram,
				    ADMIT_CGROUPS,
				    r->src.facts.memory_available_bytes,
				    mono_in_ms(RUN_SCRIPT_MS));

	/* the other QEMU takes as much again, of the same memory */
	if (!room || !*r->dst.facts.space.boot ||
	    !probe_same_host(&r->src.facts, &r->dst.facts))
		return room;
	return room > ram ? room - ram : 1;
}

/* Whatever the pages say: only the room for its cache counts. */
static void force_xbzrle(struct run *r)
{
	struct xbzrle_verdict v = { .pays = true, .shrink = 0 };

	xbzrle_fit_cache(&v, r->source.facts.ram_bytes, choose_xbzrle_room(r));
	r->attempt.xbzrle_cache_bytes = v.cache_bytes;
	r->attempt.xbzrle_shrink = XBZRLE_WORST_SHRINK;
	emit_choice(r, v.pays ? "it was asked for" : v.why);
}

/* Somebody has switched it on in this QEMU: with a cache that he chose. */
static void keep_xbzrle(struct run *r)
{
	(void)json_opt_u64(
		(struct json_at){ r->attempt.src.params, "parameters" },
		"xbzrle-cache-size", &r->attempt.xbzrle_cache_bytes, NULL);
	r->attempt.xbzrle_shrink = XBZRLE_WORST_SHRINK;
}

/* --- the look ------------------------------------------------------------ */

struct xbzrle_look {
	struct run *run;
	struct page_sample_pace pace;
	struct task *task;
	struct waitq ended;
	int rc;
	struct xbzrle_verdict verdict;
	struct err err;
};

static bool may_pay(const struct run *r)
{
	return r->opt->xbzrle == MIGRATE_XBZRLE_AUTO &&
	       r->source.facts.first_status.running &&
	       expected_copy_s(r) >= worth_s;
}

static void look_at_pages(void *arg)
{
	struct xbzrle_look *look = arg;
	const struct run *r = look->run;

	look->rc = page_sample_judge(r->src.qmp, r->source.facts.machine,
				     r->source.facts.ram_bytes, &look->pace,
				     &look->verdict, &look->err);
	waitq_wake_all(&look->ended);
}

void choose_xbzrle_look(struct run *r)
{
	struct xbzrle_look *look;

	if (!may_pay(r))
		choose_xbzrle_end_look(r);
	if (!r->moves || r->look || !may_pay(r))
		return;
	look = XNEW(struct xbzrle_look);
	look->run = r;
	look->pace.quiet_ms = quiet_ms(r);
	look->task = task_start(task_loop(), "page-look", look_at_pages, look);
	r->look = look;
}

static void look_free(struct xbzrle_look *look)
{
	err_reset(&look->err);
	free(look);
}

void choose_xbzrle_end_look(struct run *r)
{
	struct xbzrle_look *look = STEAL(r->look);

	if (!look)
		return;
	task_cancel(look->task);
	task_join(look->task);
	look_free(look);
}

/* Waits for the look, which holds up everything else by now. */
static int await_look(struct run *r, struct xbzrle_verdict *v, struct err *err)
{
	struct xbzrle_look *look = r->look;
	int rc = 0;

	assert(look);
	page_sample_hurry(&look->pace);
	while (!task_ended(look->task) && rc == 0)
		rc = task_wait_queue(&look->ended, MONO_NEVER, err);
	if (rc < 0)
		return -1;
	task_join(look->task);
	*v = look->verdict;
	rc = look->rc;
	err_move(err, &look->err);
	look_free(STEAL(r->look));
	return rc;
}

/* --- the choice ---------------------------------------------------------- */

static bool is_decided(struct run *r)
{
	bool on;

	if (r->opt->xbzrle == MIGRATE_XBZRLE_OFF ||
	    !qmp_capability_known(r->attempt.src.caps, "xbzrle", &on))
		return true;
	if (r->opt->xbzrle == MIGRATE_XBZRLE_ON)
		force_xbzrle(r);
	else if (on)
		keep_xbzrle(r);
	return on || !may_pay(r);
}

int choose_xbzrle(struct run *r, struct err *err)
{
	struct xbzrle_verdict v;

	r->attempt.xbzrle_cache_bytes = 0;
	if (is_decided(r)) {
		choose_xbzrle_end_look(r);
		return 0;
	}
	/* what has been learnt of the link may be new to it */
	choose_xbzrle_look(r);
	if (await_look(r, &v, err) < 0)
		return -1;
	if (v.pays)
		xbzrle_fit_cache(&v, r->source.facts.ram_bytes,
				 choose_xbzrle_room(r));
	if (v.pays) {
		r->attempt.xbzrle_cache_bytes = v.cache_bytes;
		r->attempt.xbzrle_shrink = v.shrink;
	}
	emit_choice(r, v.why);
	return 0;
}
