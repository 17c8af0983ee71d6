/* SPDX-License-Identifier: MIT */
/* pass_measure: from the counters at a sync to the pass that it ends; pure. */
#ifndef ENGINE_POLICY_PASS_MEASURE_H
#define ENGINE_POLICY_PASS_MEASURE_H

#include "engine/policy/policy.h"

/* What was counted when a sync ended a pass. */
struct pass_counts {
	int64_t number;		  /* QEMU's dirty-sync-count */
	double at_s;		  /* the sync, since `migrate` */
	double seconds;		  /* since the sync before */
	int64_t sent_bytes;	  /* through the tunnel since the sync before */
	int64_t dirty_bytes;	  /* not copied yet, right after the sync */
	double sample_left_bytes; /* not copied yet, at the sample before it */
	double sample_since_bytes; /* through the tunnel since that sample */
	double throttle; /* during the pass, 0 … POLICY_THROTTLE_MAX */
	double gate_ms;	 /* at the sync */
	bool xbzrle;	 /* armed before the start */
};

/*
 * The pass as policies see it. @before is the pass that ended before it, NULL
 * for the first; @n_before is how many there were.
 */
struct policy_pass pass_measure(const struct pass_counts *c,
				const struct policy_pass *before,
				size_t n_before);

#endif
