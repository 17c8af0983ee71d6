/* SPDX-License-Identifier: MIT */
/* policy: what all policies share; pure. The theory is in policy.h. */
#include "engine/policy/policy.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "transport/base/xalloc.h"

static const char *const action_names[] = {
	[POLICY_WAIT] = "wait",
	[POLICY_GATE] = "open-gate",
	[POLICY_THROTTLE] = "throttle",
	[POLICY_GIVE_UP] = "give-up",
};
static_assert(ARRAY_SIZE(action_names) == POLICY_ACTIONS, "all named");

/* A shorter pass is not counted in the recent bandwidth. */
static const double recent_pass_s = 0.15;
/* Passes of differences are short; from this length on they are learnt from. */
static const double encoded_pass_s = 0.005;
/* The passes that the recent bandwidth is taken over. */
enum { RECENT = 8, SCATTERED = 64 };

const char *policy_action_name(enum policy_action a)
{
	assert(a < POLICY_ACTIONS);
	return action_names[a];
}

/* Over the last passes of some length, whatever a sync took of their time. */
static double recent_bps(const struct policy_view *v)
{
	double bytes = 0, seconds = 0;
	size_t n = 0;

	for (size_t i = v->n_passes; i > 0 && n < RECENT; i--) {
		const struct policy_pass *p = &v->passes[i - 1];

		if (p->encoded != v->link->encoded)
			break;
		if (p->seconds <
		    (p->encoded ? POLICY_LINK_PASS_S : recent_pass_s))
			continue;
		bytes += (double)(p->encoded ? p->copied_bytes : p->sent_bytes);
		seconds += p->seconds;
		n++;
	}
	return seconds > 0 ? bytes / seconds : 0;
}

double policy_bandwidth_bps(const struct policy_view *v)
{
	double recent = recent_bps(v), bps;

	if (!forecast_link_known(v->link))
		return recent;
	bps = forecast_link_bps(v->link);
	if (v->link->encoded)
		return fmax(bps, recent);
	/* looks come too seldom to time short passes well */
	return recent > 0 ? fmin(fmax(bps, recent * 0.8), recent * 1.25) : bps;
}

double policy_predict_ms(const struct policy_view *v, double dirty_bytes)
{
	double bps = policy_bandwidth_bps(v);

	if (bps <= 0 || dirty_bytes < 0)
		return NAN;
	return dirty_bytes / bps * 1e3 + v->facts->fixed_ms;
}

double policy_room_ms(const struct policy_facts *f)
{
	return fmin(fmax(f->budget_ms - f->fixed_ms, POLICY_HOLD_MS),
		    POLICY_WIDE_MS);
}

/* --- doubt ---------------------------------------------------------------- */

double policy_least_bps(const struct policy_view *v)
{
	double recent = recent_bps(v), bps = policy_bandwidth_bps(v);

	return recent > 0 ? fmin(recent, bps) : bps;
}

/* Of the first pass much may be zero pages, which take time and no link. */
double policy_link_sigma(const struct policy_view *v)
{
	double bps[SCATTERED];
	size_t n = 0;

	for (size_t i = v->n_passes; i > 1 && n < SCATTERED; i--) {
		const struct policy_pass *p = &v->passes[i - 1];

		if (p->encoded != v->link->encoded)
			break;
		if (p->seconds <
		    (p->encoded ? POLICY_LINK_PASS_S : recent_pass_s))
			continue;
		bps[n++] =
			(double)(p->encoded ? p->copied_bytes : p->sent_bytes) /
			p->seconds;
	}
	/* cppcheck-suppress uninitvar; the first @n of them are set */
	return forecast_scatter(bps, n, FORECAST_PRIOR_LINK);
}

double policy_fixed_worst_ms(const struct policy_facts *f)
{
	return f->fixed_worst_ms > 0 ? f->fixed_worst_ms : 2 * f->fixed_ms;
}

double policy_sure_ms(const struct policy_view *v, double dirty_bytes)
{
	const struct policy_pass *last = &v->passes[v->n_passes - 1];
	double own_s = last->seconds * (1 - last->throttle);
	double sigma =
		hypot(policy_link_sigma(v), curve_sigma(v->curve, own_s));
	double bps = policy_least_bps(v);

	if (bps <= 0 || dirty_bytes < 0)
		return NAN;
	return dirty_bytes / bps * 1e3 * exp(FORECAST_DOUBT * sigma) +
	       policy_fixed_worst_ms(v->facts);
}

/* --- decisions ----------------------------------------------------------- */

static void begin(const struct policy_view *v, struct policy_decision *out,
		  enum policy_action action)
{
	double left = NAN;

	if (v->n_samples)
		left = (double)v->samples[v->n_samples - 1].remaining_bytes;
	if (v->n_passes && v->pass_ended)
		left = (double)v->passes[v->n_passes - 1].dirty_bytes;
	*out = (struct policy_decision){
		.action = action,
		.gate_ms = v->gate_ms,
		.throttle = v->throttle,
		.predicted_ms = isnan(left) ? NAN : policy_predict_ms(v, left),
		.lifted = v->lifted,
	};
}

#define SAY(out, fmt)                                                \
	do {                                                         \
		va_list ap_;                                         \
		va_start(ap_, fmt);                                  \
		vsnprintf((out)->why, sizeof((out)->why), fmt, ap_); \
		va_end(ap_);                                         \
	} while (0)

void policy_wait(const struct policy_view *v, struct policy_decision *out,
		 const char *fmt, ...)
{
	begin(v, out, POLICY_WAIT);
	SAY(out, fmt);
}

void policy_gate(const struct policy_view *v, struct policy_decision *out,
		 double gate_ms, const char *fmt, ...)
{
	double whole = gate_ms >= POLICY_HOLD_MS ? floor(gate_ms)
						 : POLICY_HOLD_MS;

	begin(v, out, whole == v->gate_ms ? POLICY_WAIT : POLICY_GATE);
	out->gate_ms = whole;
	SAY(out, fmt);
}

void policy_throttle(const struct policy_view *v, struct policy_decision *out,
		     double throttle, const char *fmt, ...)
{
	begin(v, out,
	      fabs(throttle - v->throttle) < 1e-9 ? POLICY_WAIT
						  : POLICY_THROTTLE);
	out->throttle = throttle;
	SAY(out, fmt);
}

void policy_give_up(const struct policy_view *v, struct policy_decision *out,
		    const char *fmt, ...)
{
	begin(v, out, POLICY_GIVE_UP);
	SAY(out, fmt);
}

static void deadline_is_missed(const struct policy_view *v,
			       struct policy_decision *out)
{
	double budget = v->facts->budget_ms, need, dirty, sure;
	char advice[64] = "";

	if (!v->n_passes) {
		policy_give_up(v, out,
			       "The deadline has come before memory was copied "
			       "once.");
		return;
	}
	dirty = (double)v->passes[v->n_passes - 1].dirty_bytes;
	need = policy_predict_ms(v, dirty);
	sure = ceil(policy_sure_ms(v, dirty));
	if (need > budget)
		snprintf(advice, sizeof(advice),
			 ": it would take a budget of %.0f ms", sure);
	policy_give_up(v, out,
		       "The deadline has come; a switch would stop the guest "
		       "for about %.0f ms, and %.0f ms are allowed%s.",
		       need, budget, advice);
}

bool policy_deadline(const struct policy_view *v, struct policy_decision *out)
{
	const struct policy_facts *f = v->facts;

	if (!v->lifted && (f->deadline_s <= 0 || v->now_s < f->deadline_s))
		return false;
	if (!v->lifted && !f->force) {
		deadline_is_missed(v, out);
		return true;
	}
	policy_gate(v, out, POLICY_WIDE_MS,
		    "The deadline has come and the owner lifted the budget of "
		    "%.0f ms for it.",
		    f->budget_ms);
	out->lifted = true;
	return true;
}

/* --- learning ------------------------------------------------------------ */

double policy_dirtied(const struct curve *c, const struct policy_pass *pass)
{
	double fresh = (double)(pass->dirty_bytes - pass->left_bytes);
	double left = (double)pass->left_bytes, set;

	if (!curve_known(c) || left <= 0)
		return fmax(fresh, 0);
	set = fmax(curve_working_set(c), (double)pass->dirty_bytes);
	return fmin(fmax(fresh, 0) / fmax(1 - left / set, 0.1), set);
}

void policy_learn(struct curve *c, struct forecast_link *l,
		  const struct policy_pass *pass)
{
	double own = pass->seconds * (1 - pass->throttle);

	curve_add(c, own, policy_dirtied(c, pass));
	if (pass->encoded && !l->encoded)
		*l = (struct forecast_link){ .usual_s = l->usual_s,
					     .encoded = true };
	if (pass->seconds >
	    (pass->encoded ? encoded_pass_s : POLICY_LINK_PASS_S))
		forecast_link_add(l, (double)pass->copied_bytes, pass->seconds);
}
