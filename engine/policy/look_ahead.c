/* SPDX-License-Identifier: MIT */
/* look_ahead: a forecast from the middle of a migration; pure. */
#include "engine/policy/look_ahead.h"

#include <math.h>

/* QEMU looks once a second, at a sync, whether to throttle. */
static const double heeded_s = 1;
/* A throttle of which the policy may be expected to make use. */
static const double strong_throttle = 0.8;
/* A sample of the guest's pages may see fewer changes than a pass does. */
static const double least_shrink = 0.05;
/* A deadline that is over is one that comes at once: 0 would mean none. */
static const double at_once_s = 0.001;

/* The least that was left after a pass, and how many passes gained nothing. */
static struct forecast_start start_of(const struct policy_view *v)
{
	struct forecast_start from = { .best_bytes = 0 };

	for (size_t i = 0; i < v->n_passes; i++) {
		from.left_bytes = (double)v->passes[i].dirty_bytes;
		if (from.best_bytes <= 0 ||
		    from.left_bytes < FORECAST_GAIN * from.best_bytes) {
			from.best_bytes = from.left_bytes;
			from.stuck = 0;
		} else {
			from.stuck++;
		}
	}
	return from;
}

static struct forecast_setting setting_of(const struct policy_view *v,
					  double throttle)
{
	const struct policy_facts *f = v->facts;
	struct forecast_setting s = {
		.bandwidth_bps = policy_bandwidth_bps(v),
		.overhead_s = forecast_link_overhead_s(v->link),
		.fixed_ms = f->fixed_ms,
		.hold_ms = POLICY_HOLD_MS,
		.budget_ms = f->budget_ms,
		.throttle = throttle,
		.shrink = 1,
	};

	s.final_bps = s.bandwidth_bps;
	/* what is seen of differences is in the link's bytes a second */
	if (f->xbzrle_shrink > 0 && !v->link->encoded)
		s.shrink = fmax(f->xbzrle_shrink, least_shrink);
	if (f->deadline_s > 0)
		s.deadline_s =
			fmax(f->deadline_s - v->passes[v->n_passes - 1].at_s,
			     at_once_s);
	return s;
}

/*
 * Where nothing else will do the guest is going to be throttled: not before
 * passes were stuck for a while, nor before QEMU gets around to it.
 */
static void look_ahead_throttled(const struct policy_view *v,
				 const struct forecast_start *from,
				 struct forecast_setting *s,
				 struct forecast *out)
{
	double stuck_s = v->passes[v->n_passes - 1].at_s - v->passes[0].at_s;
	double comes_s = fmax(POLICY_PULL_S - stuck_s, 0) + heeded_s;

	s->throttle = strong_throttle;
	if (s->deadline_s > 0)
		s->deadline_s = fmax(s->deadline_s - comes_s, at_once_s);
	forecast_run(v->curve, from, s, out);
	out->seconds.p50 += comes_s;
	out->seconds.p90 += comes_s + heeded_s;
	out->bytes.p50 += comes_s * s->bandwidth_bps;
	out->bytes.p90 += (comes_s + heeded_s) * s->bandwidth_bps;
}

void look_ahead(const struct policy_view *v, double throttle,
		struct forecast *out)
{
	struct forecast_start from = start_of(v);
	struct forecast_setting s = setting_of(v, throttle);

	forecast_run(v->curve, &from, &s, out);
	if (s.shrink < 1 && v->n_passes == 1) {
		/* the second pass still sends whole pages */
		double more_s =
			from.left_bytes * (1 - s.shrink) / s.bandwidth_bps;

		out->seconds.p50 += more_s;
		out->seconds.p90 += more_s;
	}
	if (out->p_converge < FORECAST_NEVER && v->facts->may_throttle &&
	    throttle <= 0)
		look_ahead_throttled(v, &from, &s, out);
}
