/* SPDX-License-Identifier: MIT */
/*
 * history: what a migration has shown so far, and the question to the policy
 * that follows from it; pure.
 *
 * A migration, a simulated one and a recorded one keep the same things: all
 * passes, all samples, and the curve and the link that were learnt from them.
 * They differ only in where these come from.
 */
#ifndef ENGINE_POLICY_HISTORY_H
#define ENGINE_POLICY_HISTORY_H

#include "engine/policy/policy.h"

/*
 * About 75 KiB: not for a task's stack. It must not be moved or copied, since
 * the view points into it.
 */
struct history {
	/*
	 * What a policy is shown. The caller keeps gate_ms, throttle and
	 * lifted as they are set; all other members are written here.
	 */
	struct policy_view view;

	/* The rest is private, and is read through the view. */
	struct policy_decision last;
	struct curve curve;
	struct forecast_link link;
	struct policy_pass *passes;
	struct policy_sample *samples;
	size_t room_passes, room_samples;
};

/*
 * @facts is borrowed, and may be NULL where no policy is asked. @ram_bytes is
 * as for curve_init(); @overhead_s is the usual overhead of a pass in seconds,
 * 0: not known. Release with history_fini().
 */
void history_init(struct history *h, const struct policy_facts *facts,
		  double ram_bytes, double overhead_s);
void history_fini(struct history *h);

void history_add_sample(struct history *h, double at_s,
			int64_t remaining_bytes);
/* Keeps a pass that has ended, and teaches it to the curve and the link. */
void history_add_pass(struct history *h, const struct policy_pass *pass);

/*
 * For a record, which says how large the guest is only at its end: passes are
 * kept without learning, and then learnt together, of a guest of @ram_bytes.
 */
void history_keep_pass(struct history *h, const struct policy_pass *pass);
void history_learn(struct history *h, double ram_bytes);
/* Forgets all passes that were kept; they must not have been learnt. */
void history_drop_passes(struct history *h);

/* The pass that ended last; NULL before the first. */
const struct policy_pass *history_last_pass(const struct history *h);

/*
 * Asks @p at @now_s, seconds since `migrate`. @pass_ended: the last pass has
 * just ended; its decision is what the view shows as the last one from then on.
 */
void history_ask(struct history *h, const struct policy *p, double now_s,
		 bool pass_ended, struct policy_decision *out);

#endif
