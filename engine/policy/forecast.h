/* SPDX-License-Identifier: MIT */
/*
 * forecast: how long a migration will take, how long the guest will be
 * stopped, or that it will never get there; pure.
 *
 * Theory of operation. QEMU's passes are simulated over curves that may be the
 * guest's (curve.h), all as likely: a pass of V bytes takes overhead + V/B
 * seconds and leaves D of that, give or take what passes scatter. It switches
 * when what is left fits through the gate, held narrow; or when
 * FORECAST_STUCK passes in a row have not gained (left less than FORECAST_GAIN
 * of the best), the fixed point, where the policy opens the gate as far as
 * needed if the budget allows; given from the very start, also when a switch
 * has fitted for a while and little is gained by waiting. After
 * FORECAST_GIVE_UP passes without a gain, or at the deadline, it never does.
 * The answers of all curves together are a distribution, of which p50 and p90
 * are given.
 */
#ifndef ENGINE_POLICY_FORECAST_H
#define ENGINE_POLICY_FORECAST_H

#include "engine/policy/curve.h"
#include "engine/policy/spread.h"

enum {
	FORECAST_DRAWS = 64,
	FORECAST_STUCK = 3,
	FORECAST_GIVE_UP = 12,
	FORECAST_PASSES = 800, /* no migration does more */
};
#define FORECAST_GAIN 0.9
/*
 * Once a switch fits, the policy waits for less by this part of the time that
 * it took, and that many seconds, at most.
 */
#define FORECAST_PATIENCE 0.12
#define FORECAST_PATIENCE_S 0.5

struct forecast_setting {
	double bandwidth_bps; /* dirty bytes/s that the link carries */
	double final_bps;     /* the same for the final copy, uncapped */
	double overhead_s;    /* of each pass, besides copying */
	double fixed_ms;      /* of a switchover, besides copying */
	double hold_ms;	      /* the gate while waiting */
	double budget_ms;     /* the widest blackout allowed */
	double deadline_s;    /* from now; 0: none */
	double throttle; /* 0 … 0.99: share of its time the guest loses */
	/*
	 * Page bytes → wire bytes of what is sent again and again (xbzrle), 1
	 * (and 0): none. Where the first pass is to come, it and the next send
	 * whole pages.
	 */
	double shrink;
	/*
	 * Only advice counts these: how much either bandwidth scatters, σ of
	 * ln; and what a switchover may cost besides copying, at the worst.
	 * Less than fixed_ms is taken for that.
	 */
	double link_sigma, fixed_worst_ms;
};
struct forecast_start {
	double left_bytes; /* to be copied before the next sync */
	double pass_s;	   /* since the last sync: 0 right after it */
	bool first_pass;   /* of which nothing was copied yet: no switch
			    * before its sync */
	double best_bytes; /* least left after any sync so far; 0: left_bytes */
	int stuck;	   /* syncs since then that did not gain */
};
struct forecast {
	double p_converge;	   /* 0 … 1 */
	struct spread seconds;	   /* until the guest runs on the
				    * destination, of those that converge */
	struct spread bytes;	   /* on the wire, the same */
	struct spread blackout_ms; /* at the switch; where the verdict is
				    * "never", of a switch at the fixed
				    * point */
	double passes;		   /* median, of those that converge */
};
/*
 * Where nothing converges, seconds, bytes and passes are NAN; so is everything
 * but p_converge (0) where the curve, the bandwidth or what is left is unknown.
 */
void forecast_run(const struct curve *c, const struct forecast_start *from,
		  const struct forecast_setting *s, struct forecast *out);

/*
 * "Never" is said when fewer than this share of the curves converge. At three
 * times as much it is right as often, but wrong the other way: here it errs on
 * the side of trying.
 */
#define FORECAST_NEVER 0.1

/*
 * How much measurements of one thing scatter: σ of the logarithms of @n of
 * them. @prior counts as FORECAST_PRIOR more that scatter by that much, so that
 * few, or none, are not taken for exact. What is not above 0 is left out.
 */
#define FORECAST_PRIOR 4
#define FORECAST_PRIOR_LINK 0.07 /* of a link, from one pass to the next */
double forecast_scatter(const double *v, size_t n, double prior);
/*
 * @s as it may turn out the next time: a link FORECAST_DOUBT σ slower, and a
 * switchover at its worst. What is advised must converge over this one.
 */
#define FORECAST_DOUBT 3
struct forecast_setting forecast_doubted(const struct forecast_setting *s);

/*
 * What it would take, each alone, the rest as in @s, for all but FORECAST_RISK
 * of the curves to converge over forecast_doubted(): the value in @s where that
 * does, 0 where none does. Somebody who takes it as an option is not to be
 * refused again. Takes as long as fifty forecasts.
 */
#define FORECAST_RISK 0.05
struct forecast_remedy {
	double bandwidth_bps; /* at least; the final copy gains as much */
	double budget_ms;     /* at least */
	double throttle;      /* at least, up to POLICY_THROTTLE_MAX */
};
void forecast_remedies(const struct curve *c, const struct forecast_start *from,
		       const struct forecast_setting *s,
		       struct forecast_remedy *out);

/* --- how passes go on this link, learnt ----------------------------------- */

/*
 * t = overhead + V/B, fitted by least squares of relative errors (weights
 * 1/t²: the first pass is a thousand times the last), faded; zeroed to begin
 * with. Long passes give B, short ones the overhead; until there are some, a
 * mild prior does (of some 30 ms).
 */
struct forecast_link {
	double n, sv, st, svv, svt; /* Σ w {1, V, t, V², V t} */
	double last_bps;
	double usual_s; /* the overhead to begin with; 0: as is usual */
	bool encoded;	/* passes were, of late: those before do not count */
};
/* A pass copied @bytes of dirty pages in @seconds; nothing: not learnt from. */
void forecast_link_add(struct forecast_link *l, double bytes, double seconds);
/* False before the first pass of any length: then both below are 0. */
bool forecast_link_known(const struct forecast_link *l);
double forecast_link_bps(const struct forecast_link *l);
double forecast_link_overhead_s(const struct forecast_link *l);

#endif
