/* SPDX-License-Identifier: MIT */
/* final_copy: what the last copy can count on; pure. See final_copy.h. */
#include "engine/policy/final_copy.h"

#include <math.h>

enum {
	/* Passes that show what a pass costs, or what xbzrle gains. */
	ENOUGH_PASSES = 4,
	/* A pass that copied less does not show what xbzrle gains. */
	ENOUGH_BYTES = 128 * 1024,
};
/* A shorter pass does not measure the link well enough to be remembered. */
static const double measured_s = 0.3;
/* The link may carry this many times what a pass did: passes have overheads. */
static const double overhead_room = 1.1;
/* A pause is refused when it is predicted to take this part of the budget. */
static const double sure_part = 1.05;

double final_copy_wire_bps(const struct policy_view *v)
{
	double most = 0;

	for (size_t i = 0; i < v->n_passes; i++) {
		if (v->passes[i].seconds >= measured_s)
			most = fmax(most, v->passes[i].bandwidth_bps);
	}
	return most;
}

double final_copy_ratio(const struct policy_view *v)
{
	double worst = INFINITY;
	size_t n = 0;

	for (size_t i = v->n_passes; i > 0 && n < ENOUGH_PASSES; i--) {
		const struct policy_pass *p = &v->passes[i - 1];

		if (!p->encoded)
			break;
		if (p->copied_bytes < ENOUGH_BYTES || p->sent_bytes <= 0)
			continue;
		worst = fmin(worst,
			     (double)p->copied_bytes / (double)p->sent_bytes);
		n++;
	}
	return n > 1 ? fmax(worst, 1) : 1;
}

double final_copy_bps(const struct policy_view *v, double pass_bps)
{
	double bps = policy_bandwidth_bps(v), wire = final_copy_wire_bps(v);

	if (v->link->encoded && wire > 0)
		return fmin(bps, wire * final_copy_ratio(v));
	if (pass_bps > 0)
		return fmin(bps, pass_bps * overhead_room);
	return bps;
}

double final_copy_pass_bps(double sent_bytes, double seconds)
{
	return seconds >= measured_s ? sent_bytes / seconds : 0;
}

double final_copy_overhead_s(const struct policy_view *v)
{
	return v->n_passes >= ENOUGH_PASSES ? forecast_link_overhead_s(v->link)
					    : 0;
}

/*
 * What a sync finds @seconds of the guest's own time after the last one, with
 * @left_bytes of that not copied yet. How much of what is written falls on what
 * is left depends on the order: of a guest that writes at random it is the
 * part that is left of the working set, but one that goes around and around
 * writes for a whole round where nothing is left. So all of it is counted, up
 * to the working set, as far as that is known.
 */
static double dirty_after(const struct curve *c, double left_bytes,
			  double seconds)
{
	double set = curve_working_set(c) * exp(curve_sigma(c, INFINITY));

	return fmin(left_bytes + curve_at(c, seconds), fmax(set, left_bytes));
}

double final_copy_unsynced_s(int qemu_major, double since_s)
{
	return qemu_major < 11 ? since_s : 0;
}

double final_copy_rest_ms(const struct curve *c,
			  const struct final_copy_rest *rest)
{
	double left = rest->remaining_bytes;

	if (rest->unsynced_s > 0)
		left = dirty_after(c, left,
				   rest->unsynced_s * (1 - rest->throttle));
	return left / rest->bps * 1e3;
}

double final_copy_pause_ms(double paused_ms, double rest_ms, double fixed_ms)
{
	return rest_ms + fmax(fixed_ms - paused_ms, 0);
}

bool final_copy_keeps(double budget_ms, double paused_ms, double more_ms)
{
	return paused_ms <= budget_ms &&
	       paused_ms + more_ms <= budget_ms * sure_part;
}
