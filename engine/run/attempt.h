/* SPDX-License-Identifier: MIT */
/*
 * attempt: all that one try of a migration owns, from its QEMU on the
 * destination to the guest's going on there.
 *
 * A second try (retry.h) begins with an empty one.
 */
#ifndef ENGINE_RUN_ATTEMPT_H
#define ENGINE_RUN_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/policy/policy.h"
#include "qmp/qmp_migrate.h"
#include "transport/base/clock.h"

struct pulse;
struct tunnel;

/* The migration settings of one QEMU as they were, for putting back. */
struct attempt_settings {
	struct json_object *caps;
	struct json_object *params;
	bool caps_changed, params_changed;
};

/* The moments of the switchover, on this host's clock. */
struct attempt_clock {
	struct mono stop_at, pre_switchover_at, completed_at, cont_at;
	struct mono resume_at;
	bool stop_seen, pre_switchover_seen, resume_seen;
	/* by the source's clock: its last sync, and when the guest stopped */
	struct wall synced, stopped;
	struct mono synced_at; /* the same sync as received here */
	double sync_age_ms;    /* from then to STOP */
	/* round_trip.h */
	unsigned int round_trips, under_way;
	bool lost_count;
};

/* What the copy found, for the switchover; 0: not known. */
struct attempt_link {
	double bps;	     /* dirty bytes a second */
	double wire_bps;     /* the most that went through the tunnel */
	double overhead_ms;  /* of a pass, besides copying */
	double rest_ms;	     /* copying what is left at pre-switchover */
	double copied_bytes; /* by the source while the guest was stopped */
};

struct attempt {
	struct mono begun_at; /* its launch */
	bool may_wait;	      /* for its turn, as --wait has it */
	struct attempt_settings src, dst;

	struct pulse *pulse; /* of the destination, or NULL */
	struct tunnel *tunnel;
	bool fd_handed; /* QEMU holds a descriptor of the tunnel */
	bool migrating; /* `migrate` was sent */
	struct mono migrate_at;
	enum migration_status src_status; /* by events */

	const struct policy *policy;
	struct policy_facts wanted;  /* of the policy */
	uint64_t xbzrle_cache_bytes; /* 0: without xbzrle */
	double xbzrle_shrink;	     /* as policy.h has it */
	double throttle;	     /* as set, 0 … 0.99 */
	double downtime_limit_ms;    /* of the gate, as the policy has it now */
	double gate_limit_ms, gate_bps; /* as QEMU has them */
	bool budget_lifted;		/* by --on-deadline force */
	bool turned_back; /* at the last look at the budget, … */
	bool by_lesson;	  /* … for what was learnt, not what was seen */

	struct attempt_link link;
	struct attempt_clock clock;
};

/* Releases what it holds in this process; it is empty afterwards. */
void attempt_reset(struct attempt *a);

#endif
