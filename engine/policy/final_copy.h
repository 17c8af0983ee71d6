/* SPDX-License-Identifier: MIT */
/*
 * final_copy: what the last copy, with the guest stopped, can count on, and
 * whether the pause keeps the budget; pure.
 */
#ifndef ENGINE_POLICY_FINAL_COPY_H
#define ENGINE_POLICY_FINAL_COPY_H

#include "engine/policy/policy.h"

/*
 * Bytes a second of the stream, in the fastest of the passes that are long
 * enough; 0: none is. Zero pages make a first pass slow.
 */
double final_copy_wire_bps(const struct policy_view *v);
/*
 * Bytes of memory in one byte of the stream, in the worst of the last passes:
 * 1 without xbzrle, and until two passes showed more.
 */
double final_copy_ratio(const struct policy_view *v);
/*
 * Bytes of memory a second that the last copy can count on. A link that became
 * slower since the last pass, or pages of which xbzrle saves less, must not
 * make the pause longer than predicted. @pass_bps: of the tunnel in the pass
 * that is under way, as from final_copy_pass_bps().
 */
double final_copy_bps(const struct policy_view *v, double pass_bps);
/* Of @sent_bytes in @seconds of this pass; 0 while that is too early to say. */
double final_copy_pass_bps(double sent_bytes, double seconds);
/* Seconds of a pass besides copying; 0 before enough passes have shown it. */
double final_copy_overhead_s(const struct policy_view *v);

/* What is known when QEMU has stopped the guest. */
struct final_copy_rest {
	double remaining_bytes; /* as QEMU says */
	double bps;		/* as from final_copy_bps() */
	/*
	 * Between the last sync and the stop, when `remaining` lacks what was
	 * dirtied then; 0 and less: it does not.
	 */
	double unsynced_s;
	double throttle; /* meanwhile */
};
/*
 * unsynced_s of a guest that stopped @since_s after the last sync. QEMU before
 * 11 syncs once more after pre-switchover; its `remaining` lacks what was
 * dirtied since the sync before.
 */
double final_copy_unsynced_s(int qemu_major, double since_s);
/* What copying the rest takes, ms. */
double final_copy_rest_ms(const struct curve *c,
			  const struct final_copy_rest *rest);

/*
 * What the pause still takes after @paused_ms: copying for @rest_ms and what is
 * left of a switchover's fixed cost, part of which has passed by then.
 */
double final_copy_pause_ms(double paused_ms, double rest_ms, double fixed_ms);
/*
 * Whether a pause of @paused_ms so far and about @more_ms more keeps the
 * budget. What is over already is no prediction; what is predicted may be
 * wrong by some percent, and going back costs a whole migration.
 */
bool final_copy_keeps(double budget_ms, double paused_ms, double more_ms);

#endif
