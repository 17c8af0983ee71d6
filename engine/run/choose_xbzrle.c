/* SPDX-License-Identifier: MIT */
/* choose_xbzrle: whether a migration uses xbzrle. */
#include "engine/run/choose_xbzrle.h"

#include <math.h>

#include "engine/hosts/admit.h"
#include "engine/policy/policy.h"
#include "engine/run/migrate_options.h"
#include "engine/run/page_sample.h"
#include "engine/run/run.h"
#include "qmp/json.h"
#include "qmp/qmp_migrate.h"
#include "transport/base/log.h"

/* A look at the guest's pages takes a second; worth it from here on. */
static const double worth_s = 4;

static double expected_copy_s(const struct run *r)
{
	double bps = (double)r->opt->bandwidth_bps;
	double learnt = lessons_link_bps(&r->lessons);

	if (learnt > 0 && (bps <= 0 || learnt < bps))
		bps = learnt;
	return (double)r->source.facts.ram_bytes /
	       (bps > 0 ? bps : POLICY_GIGABIT_BPS);
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

int choose_xbzrle(struct run *r, struct err *err)
{
	struct xbzrle_verdict v;
	bool on;

	r->attempt.xbzrle_cache_bytes = 0;
	if (r->opt->xbzrle == MIGRATE_XBZRLE_OFF ||
	    !qmp_capability_known(r->attempt.src.caps, "xbzrle", &on))
		return 0;
	if (r->opt->xbzrle == MIGRATE_XBZRLE_ON)
		force_xbzrle(r);
	else if (on)
		keep_xbzrle(r);
	if (r->opt->xbzrle == MIGRATE_XBZRLE_ON || on ||
	    !r->source.facts.first_status.running ||
	    expected_copy_s(r) < worth_s)
		return 0;
	if (page_sample_judge(r->src.qmp, r->source.facts.machine,
			      r->source.facts.ram_bytes, &v, err) < 0)
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
