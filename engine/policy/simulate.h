/* SPDX-License-Identifier: MIT */
/*
 * simulate: a guest, a link and QEMU's pre-copy loop, run by a policy without
 * either; pure. What `replay` and the policies' league table are built on.
 *
 * Theory of operation. QEMU sends in turns of at most 50 ms. Before each it
 * compares what is left with threshold = bandwidth x downtime-limit (0 until
 * the first 100 ms are over); below it, it syncs the dirty bitmap, which ends
 * the pass, and when what is dirty then is below the threshold, too, it stops
 * the guest. So a wide gate syncs early: what it switches with is what it left
 * over plus what was dirtied, and comes close to the whole gate whenever the
 * guest writes at all.
 */
#ifndef ENGINE_POLICY_SIMULATE_H
#define ENGINE_POLICY_SIMULATE_H

#include "engine/policy/policy.h"

/* The guest, as far as copying it goes. */
struct simulate_guest {
	double ram_bytes;
	/*
	 * Of them the first pass sends; the rest are zero pages, which cost
	 * next to nothing. 0: all.
	 */
	double first_bytes;
	/* The pages that are rewritten at all; 0: not known. */
	double working_set_bytes;
	/*
	 * Bytes dirtied from @from_s to @to_s since `migrate`, while a throttle
	 * took that share of its time: it wrote so much slower, but what makes
	 * it busy or idle comes from outside and does not wait for it.
	 */
	double (*dirtied)(const void *arg, double from_s, double to_s,
			  double throttle);
	const void *arg;
};
struct simulate_link {
	double bandwidth_bps, final_bps;
	double overhead_s; /* of each pass */
	double fixed_ms;   /* of a switchover */
	/*
	 * From one pass to the next both bandwidths scatter by so much (σ of
	 * ln), the same in each run with the same seed; 0: not at all.
	 */
	double scatter;
	unsigned seed;
};
struct simulate_outcome {
	bool switched;	/* else given up, or out of time */
	double seconds; /* until the guest ran again, or it was given up */
	double blackout_ms;
	double bytes;
	double guest_seconds_lost; /* by throttling, blackout not counted */
	int passes;
	/* what it went through, or the policy's last word */
	char why[256];
};
void simulate_run(const struct policy *p, const struct policy_facts *f,
		  const struct simulate_guest *g, const struct simulate_link *l,
		  double limit_s, struct simulate_outcome *out);

#endif
