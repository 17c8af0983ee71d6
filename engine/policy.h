/* SPDX-License-Identifier: MIT */
/*
 * policy: when to let QEMU switch over; pure.
 *
 * Theory of operation. QEMU switches when what is left fits into
 * bandwidth × downtime-limit, so downtime-limit is a gate. It is held at
 * POLICY_HOLD_MS, which lets a quiet guest through and keeps a busy one going
 * round. After each pass n the policy knows W_n, the bytes dirty right after
 * its sync, and B, the tunnel's bandwidth. Pre-copy alone gets no further than
 * the fixed point W = D(W/B), where a pass re-dirties what it sent; it is seen
 * when W_n stops shrinking. The blackout if switched now is
 *
 *	predicted = W_n / B + fixed
 *
 * with `fixed` for device state and round trips. At the fixed point, and only
 * when the prediction fits the budget, the gate opens in steps of a quarter
 * from what W_n needs towards the budget less `fixed`, never beyond. A wide
 * gate would license a switch with more left, so it stays as narrow as works.
 * When the fixed point does not fit, waiting does not help: the policy gives up
 * with the numbers that would do.
 */
#ifndef ENGINE_POLICY_H
#define ENGINE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

enum {
	POLICY_HOLD_MS = 1,	 /* 0 would mean "now" to QEMU before 11 */
	POLICY_FIXED_MS = 20,	 /* device state, round trips, until learnt */
	POLICY_STUCK_PASSES = 3, /* passes without a gain: the fixed point */
	POLICY_GIVE_UP_PASSES = 12, /* at a fixed point that does not fit */
};

enum policy_action {
	POLICY_WAIT,
	POLICY_OPEN,	/* set the gate to `gate_ms` */
	POLICY_GIVE_UP, /* budget cannot be kept, or the deadline is near */
	POLICY_ACTIONS
};
const char *policy_action_name(enum policy_action a);

/* What was seen when a pass ended. */
struct policy_pass {
	int64_t number;
	double seconds;	      /* the pass took */
	int64_t sent_bytes;   /* through the tunnel in it */
	int64_t dirty_bytes;  /* W: dirty right after its sync */
	double bandwidth_bps; /* bytes/s */
};

/* Zeroed to begin with, then policy_init(). */
struct policy {
	double budget_ms;
	double deadline_s; /* 0: none */
	bool force;	   /* at the deadline the budget is lifted */
	/* history */
	int64_t best_bytes; /* smallest W so far */
	int64_t last_bytes;
	double bandwidth_bps;
	int passes;
	int stuck; /* passes since best_bytes shrank by a tenth */
	double gate_ms;
	double fixed_ms;
};

struct policy_decision {
	enum policy_action action;
	double gate_ms;	     /* for POLICY_OPEN */
	double predicted_ms; /* blackout if switched now; NAN unknown */
	bool lifted;	     /* the owner's --on-deadline force */
	char why[256];	     /* one sentence */
};

void policy_init(struct policy *p, double budget_ms, double deadline_s,
		 bool force);
/* The blackout of a switch with @dirty_bytes left; NAN without a bandwidth. */
double policy_predict_ms(const struct policy *p, int64_t dirty_bytes);
/* Learns a pass and decides. */
void policy_pass(struct policy *p, const struct policy_pass *pass,
		 struct policy_decision *out);
/* Decides between passes; @elapsed_s since the start of the migration. */
void policy_tick(struct policy *p, double elapsed_s,
		 struct policy_decision *out);

#endif
