/* SPDX-License-Identifier: MIT */
/* policy: when to let QEMU switch over; pure. The theory is in policy.h. */
#include "engine/policy.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "transport/base/xalloc.h"

static const char *const action_names[] = {
	[POLICY_WAIT] = "wait",
	[POLICY_OPEN] = "open-gate",
	[POLICY_GIVE_UP] = "give-up",
};
static_assert(ARRAY_SIZE(action_names) == POLICY_ACTIONS, "all named");

/* A pass gains when it leaves less than this part of the best one. */
static const double gain = 0.9;
/* One step of the gate: a quarter more than what was needed. */
static const double step = 1.25;

const char *policy_action_name(enum policy_action a)
{
	assert(a < POLICY_ACTIONS);
	return action_names[a];
}

void policy_init(struct policy *p, double budget_ms, double deadline_s,
		 bool force)
{
	*p = (struct policy){
		.budget_ms = budget_ms,
		.deadline_s = deadline_s,
		.force = force,
		.best_bytes = -1,
		.last_bytes = -1,
		.gate_ms = POLICY_HOLD_MS,
		.fixed_ms = POLICY_FIXED_MS,
	};
}

double policy_predict_ms(const struct policy *p, int64_t dirty_bytes)
{
	if (p->bandwidth_bps <= 0 || dirty_bytes < 0)
		return NAN;
	return (double)dirty_bytes / p->bandwidth_bps * 1e3 + p->fixed_ms;
}

/* The widest gate that the budget allows, at least the hold. */
static double gate_limit(const struct policy *p)
{
	return fmax(p->budget_ms - p->fixed_ms, POLICY_HOLD_MS);
}

static void learn(struct policy *p, const struct policy_pass *pass)
{
	p->passes++;
	if (pass->bandwidth_bps > 0)
		p->bandwidth_bps = pass->bandwidth_bps;
	p->last_bytes = pass->dirty_bytes;
	if (p->best_bytes < 0 ||
	    (double)pass->dirty_bytes < gain * (double)p->best_bytes) {
		p->best_bytes = pass->dirty_bytes;
		p->stuck = 0;
	} else {
		p->stuck++;
	}
}

static void wait_for(struct policy_decision *out, const char *why)
{
	out->action = POLICY_WAIT;
	snprintf(out->why, sizeof(out->why), "%s", why);
}

static void open_gate(struct policy *p, struct policy_decision *out)
{
	double need = (double)p->last_bytes / p->bandwidth_bps * 1e3;
	double gate = fmax(need, p->gate_ms) * step;

	gate = fmin(ceil(gate), floor(gate_limit(p)));
	if (gate <= p->gate_ms) {
		wait_for(out, "The gate is as wide as the budget allows.");
		return;
	}
	p->gate_ms = gate;
	out->action = POLICY_OPEN;
	out->gate_ms = gate;
	snprintf(out->why, sizeof(out->why),
		 "%.1f MB is re-dirtied each pass and gets no less; "
		 "switching now stops the guest for about %.0f ms of the "
		 "%.0f ms allowed.",
		 (double)p->last_bytes / 1e6, out->predicted_ms, p->budget_ms);
}

static void give_up(struct policy *p, struct policy_decision *out)
{
	double left_ms = p->budget_ms - p->fixed_ms;

	out->action = POLICY_GIVE_UP;
	if (left_ms > 0)
		snprintf(out->why, sizeof(out->why),
			 "The guest re-dirties %.1f MB a pass and the link "
			 "carries %.1f MB/s: it would take --max-blackout "
			 "%.0f, or a link of %.0f MB/s.",
			 (double)p->best_bytes / 1e6, p->bandwidth_bps / 1e6,
			 ceil(policy_predict_ms(p, p->best_bytes) * step),
			 ceil((double)p->best_bytes / left_ms / 1e3));
	else
		snprintf(out->why, sizeof(out->why),
			 "The budget of %.0f ms is less than the %.0f ms that "
			 "any switchover takes here.",
			 p->budget_ms, p->fixed_ms);
}

void policy_pass(struct policy *p, const struct policy_pass *pass,
		 struct policy_decision *out)
{
	*out = (struct policy_decision){ .gate_ms = p->gate_ms };
	learn(p, pass);
	out->predicted_ms = policy_predict_ms(p, pass->dirty_bytes);
	if (p->stuck < POLICY_STUCK_PASSES || isnan(out->predicted_ms)) {
		wait_for(out, "Each pass still leaves less than the last.");
		return;
	}
	if (out->predicted_ms <= p->budget_ms) {
		open_gate(p, out);
		return;
	}
	if (p->stuck < POLICY_GIVE_UP_PASSES || p->deadline_s > 0) {
		wait_for(out, "Passes gain nothing and switching now would "
			      "break the budget; waiting for a quieter "
			      "moment.");
		return;
	}
	give_up(p, out);
}

static void at_deadline(struct policy *p, struct policy_decision *out)
{
	if (!p->force) {
		out->action = POLICY_GIVE_UP;
		if (!p->passes)
			snprintf(out->why, sizeof(out->why),
				 "The deadline of %.0f s has come before "
				 "memory was copied once.",
				 p->deadline_s);
		else
			snprintf(out->why, sizeof(out->why),
				 "The deadline of %.0f s has come; %.1f MB "
				 "would still have to be copied with the guest "
				 "stopped.",
				 p->deadline_s, (double)p->last_bytes / 1e6);
		return;
	}
	if (p->gate_ms >= 2e6) {
		wait_for(out, "The gate is wide open.");
		return;
	}
	/* the widest that QEMU takes */
	p->gate_ms = 2e6;
	out->action = POLICY_OPEN;
	out->gate_ms = p->gate_ms;
	out->lifted = true;
	snprintf(out->why, sizeof(out->why),
		 "The deadline of %.0f s has come and the owner lifted the "
		 "budget of %.0f ms for it.",
		 p->deadline_s, p->budget_ms);
}

void policy_tick(struct policy *p, double elapsed_s,
		 struct policy_decision *out)
{
	*out = (struct policy_decision){
		.gate_ms = p->gate_ms,
		.predicted_ms = policy_predict_ms(p, p->last_bytes),
	};
	if (p->deadline_s > 0 && elapsed_s >= p->deadline_s) {
		at_deadline(p, out);
		return;
	}
	wait_for(out, p->passes ? "The pass is not over."
				: "The first pass is not over.");
}
