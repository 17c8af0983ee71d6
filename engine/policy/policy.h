/* SPDX-License-Identifier: MIT */
/*
 * policy: when to let QEMU switch over, and which lever to pull before; pure.
 *
 * Theory of operation. A policy is a function from what was seen so far to what
 * to do now; it keeps no state of its own, so the same function decides in a
 * migration, in a replay of a recorded one, and in a simulation. What QEMU can
 * be set while it iterates: `downtime-limit` (the gate: it switches when what
 * is left fits through at the measured bandwidth) and, when auto-converge was
 * armed before the start, how much of its time the guest loses.
 *
 * Five places take part in the decision to switch, in this order:
 *
 *	policy_auto.c	 opens(), widens(), go_on(): how wide the gate is,
 *			 and whether it opens only at the end of a pass
 *	final_copy.c	 final_copy_bps(): the bandwidth to count on for that
 *	run/gate.c	 both in QEMU's terms: downtime-limit, and
 *			 avail-switchover-bandwidth where QEMU has it
 *	QEMU		 syncs when what is left fits, stops the guest when what
 *			 is dirty then fits too, and waits in pre-switchover
 *	run/switchover.c check_budget(): goes on, or back when the pause so far
 *			 and what is left (final_copy.c) would break the budget
 */
#ifndef ENGINE_POLICY_POLICY_H
#define ENGINE_POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/policy/curve.h"
#include "engine/policy/forecast.h"
#include "engine/policy/policy_constants.h"

/* What the owner wants and the machine is; the same all the time. */
struct policy_facts {
	double budget_ms;
	double deadline_s; /* since `migrate`; 0: none */
	bool force;	   /* at the deadline the budget is lifted */
	double ram_bytes;
	double fixed_ms;       /* of a switchover, besides copying */
	double fixed_worst_ms; /* that it may come to; 0: not known */
	bool may_throttle;     /* auto-converge is armed, the owner allows it */
	double throttle_max;   /* 0 … POLICY_THROTTLE_MAX */
	/*
	 * With xbzrle, wire bytes of a byte of memory from the third pass on,
	 * as a sample of the guest's pages has it; 0: without.
	 */
	double xbzrle_shrink;
};

/* A pass that has ended. */
struct policy_pass {
	int64_t number;	      /* QEMU's dirty-sync-count */
	double at_s;	      /* its end, since `migrate` */
	double seconds;	      /* it took */
	int64_t sent_bytes;   /* through the tunnel in it */
	int64_t copied_bytes; /* of dirty pages in it: what was left before */
	int64_t left_bytes;   /* not copied yet when that sync came */
	int64_t dirty_bytes;  /* dirty right after the sync at its end */
	double bandwidth_bps; /* of the tunnel in it; 0: too short to know */
	double throttle;      /* while it lasted, 0 … 0.99 */
	double gate_ms;	      /* at its end */
	/*
	 * With xbzrle, from the third pass on: what was copied went out as
	 * differences. It is another link then, whose bytes a second are still
	 * those of memory.
	 */
	bool encoded;
};
/* A look between. */
struct policy_sample {
	double at_s;
	int64_t remaining_bytes;
};

struct policy_decision;
struct policy_view {
	const struct policy_facts *facts;
	const struct policy_pass *passes; /* all of them, in order */
	size_t n_passes;
	const struct policy_sample *samples; /* all of them, in order */
	size_t n_samples;
	double now_s;		  /* since `migrate` */
	bool pass_ended;	  /* the last of `passes` has just ended */
	double gate_ms, throttle; /* as they are now */
	bool lifted;		  /* the budget, by the owner */
	/*
	 * What was decided when the last pass ended; NULL before. Between two
	 * passes its judgement is kept.
	 */
	const struct policy_decision *last;
	const struct curve *curve;	  /* of all passes */
	const struct forecast_link *link; /* the same */
};

enum policy_action {
	POLICY_WAIT,
	POLICY_GATE,	 /* set the gate to `gate_ms` */
	POLICY_THROTTLE, /* set the throttle to `throttle` */
	POLICY_GIVE_UP,
	POLICY_ACTIONS
};
const char *policy_action_name(enum policy_action a);

struct policy_decision {
	enum policy_action action;
	double gate_ms;
	double throttle;
	/*
	 * For a pass end: the gate to set when what is left of the pass that
	 * begins is nearly copied; 0: none. What a sync finds then is what
	 * that pass dirtied, and nothing left over.
	 */
	double late_gate_ms;
	double predicted_ms; /* blackout if switched now; NAN unknown */
	bool lifted;	     /* the budget is lifted from now on */
	char why[256];	     /* one sentence, also for POLICY_WAIT */
};

struct policy {
	const char *name;
	/* the gate before the first pass */
	double (*first_gate_ms)(const struct policy_facts *f);
	void (*decide)(const struct policy_view *v,
		       struct policy_decision *out);
};

/* --- what policies and those who run them share -------------------------- */

/* Bytes/s of dirty pages; 0 before anything was measured. */
double policy_bandwidth_bps(const struct policy_view *v);
/* The blackout of a switch with @dirty_bytes left; NAN without a bandwidth. */
double policy_predict_ms(const struct policy_view *v, double dirty_bytes);
/*
 * For advice, with its doubt: what the last passes got through, all of their
 * time counted (another run may take that for the bandwidth); by how much
 * passes differ, σ of ln; and a switchover's fixed cost at the worst.
 */
double policy_least_bps(const struct policy_view *v);
double policy_link_sigma(const struct policy_view *v);
double policy_fixed_worst_ms(const struct policy_facts *f);
/* A budget that will do for @dirty_bytes, give or take what passes scatter. */
double policy_sure_ms(const struct policy_view *v, double dirty_bytes);
/* The widest gate that the budget allows; the hold when it allows none. */
double policy_room_ms(const struct policy_facts *f);

/* @out waits: nothing changes, `why` is @fmt. */
void policy_wait(const struct policy_view *v, struct policy_decision *out,
		 const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Sets the gate; waits when it is set so already. */
void policy_gate(const struct policy_view *v, struct policy_decision *out,
		 double gate_ms, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void policy_throttle(const struct policy_view *v, struct policy_decision *out,
		     double throttle, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void policy_give_up(const struct policy_view *v, struct policy_decision *out,
		    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/*
 * The owner's deadline, which all policies keep alike: true when it has come
 * (or came, and the budget is lifted) and @out says what happens.
 */
bool policy_deadline(const struct policy_view *v, struct policy_decision *out);

/*
 * Bytes that were rewritten in a pass. What it left over is dirty already, and
 * what is written falls on that as on any other page of the working set.
 */
double policy_dirtied(const struct curve *c, const struct policy_pass *pass);
/*
 * Teaches curve and link a pass that has ended, in the guest's own time and
 * without what the pass left over. Everybody who runs a policy learns by this.
 */
void policy_learn(struct curve *c, struct forecast_link *l,
		  const struct policy_pass *pass);

#endif
