/* SPDX-License-Identifier: MIT */
/*
 * policy_auto: vmferry's own policy.
 *
 * Theory of operation. At the end of each pass:
 *
 *   still shrinking?	wait: the gate is held, a quiet guest goes through
 *   fits the budget?	open the gate, no wider than is needed, in steps
 *   in phases?		wait for a quiet one, the gate held
 *   may throttle?	by as much as the curve says, corrected as it is seen
 *   else		open the gate as wide as is allowed, a last try, then
 *			give up with the numbers that would do
 *
 * A gate that is open while there is much left makes QEMU sync early: then
 * it switches with what was left over and what was dirtied since. So where a
 * pass takes long enough to aim, the gate is opened just before its end, and
 * held again when that did not do.
 *
 * Nothing is remembered but what the view holds: how long something has been
 * tried is read off the passes and off the throttle that each of them had.
 */
#include "engine/policy/policy_auto.h"

#include <math.h>
#include <stdio.h>

#include "engine/policy/period.h"
#include "transport/base/xalloc.h"

enum {
	/* Curves that a look ahead follows. */
	DRAWS = 16,
	/* Passes of a look ahead, at most. */
	AHEAD = 400,
	/* Passes without a gain before a lever is pulled. */
	STUCK_PASSES = 2,
	/* Passes without a gain before it gives up, if tried_s is over. */
	TRIED_PASSES = 5,
	/* Passes that show what a throttle does, before it is changed. */
	VERIFY_PASSES = 1,
	/* Passes that a gate as wide as is allowed is given. */
	WIDE_PASSES = 3,
	/* Passes that are tried where the best of them nearly fitted. */
	NEAR_PASSES = 40,
	/* The last passes, in which phases are looked for. */
	SPANS = 128,
};
/* Seconds without a gain before it gives up, of a steady and a phased guest. */
static const double tried_s = 10, phased_s = 30;
/* A phased guest is waited for as long before a lever is pulled. */
static const double hold_s = 8;
/* A guest whose activity is spread by more than this is in phases. */
static const double phased_spread = 0.1;
/* The last passes must leave less than this part of those before to gain. */
static const double progress = 0.97;
/* The gate opens to what is needed times these, one after the other. */
static const double steps[] = { 1.1, 1.25, 1.5 };
/* The gate opens by at least as many ms with each of the steps. */
static const double least_ms = 2;
/* The engine's own look at what is left takes as long, at most. */
static const double look_s = 0.05;
/* A throttle is to leave the room divided by this, or less. */
static const double throttle_margin = 1.2;
/* A throttle may cost the guest this many times the least time, if weaker. */
static const double throttle_excess = 1.15;
/* Throttles are multiples of one percent, as QEMU takes them. */
static const double throttle_step = 0.01;
/* Smaller changes of a throttle, up and down, are not worth a pass. */
static const double throttle_more = 0.1, throttle_less = 0.25;
/* ms; CPU_THROTTLE_TIMESLICE: QEMU lets a throttled vCPU run for as long. */
static const double throttle_slice_ms = 10;
/* A wide gate is tried where it leaves over this part of the working set. */
static const double wide_share = 0.25;
/* A need below this many times the room may fit by chance, within near_s. */
static const double near_miss = 1.3, near_s = 45;

/* --- what is seen -------------------------------------------------------- */

struct sight {
	const struct policy_view *v;
	const struct policy_pass *last;
	double bps, overhead_s;
	double room_ms;
	double need_ms; /* of a switch with what is dirty now, copying */
	double left_s;	/* until the deadline, INFINITY */
	size_t since;	/* first pass with gate and throttle as they are */
	size_t tried;	/* passes since then */
	size_t lever;	/* first pass with the throttle as it is */
	size_t stuck;	/* passes since then */
	double stuck_s;
	double best_ms;	   /* least need after any of them */
	bool wide;	   /* the gate */
	double left_bytes; /* over, when a sync comes */
	double set_bytes;  /* the working set */
	struct curve_draw draw[DRAWS];
	size_t draws;
	struct period period;
};

static double need_ms(const struct sight *s, const struct policy_pass *p)
{
	return (double)p->dirty_bytes / s->bps * 1e3;
}

static bool is_wide(const struct sight *s, double gate_ms)
{
	return s->room_ms > POLICY_HOLD_MS && gate_ms >= floor(s->room_ms);
}

/*
 * Since the levers are as they are. The first pass goes over all of memory and
 * says little of the later ones.
 */
static void find_since(struct sight *s)
{
	const struct policy_view *v = s->v;
	size_t i = v->n_passes;

	s->since = 0;
	while (i > 1 && fabs(v->passes[i - 1].throttle - v->throttle) < 1e-9) {
		if (!s->since &&
		    is_wide(s, v->passes[i - 1].gate_ms) != s->wide)
			s->since = i;
		i--;
	}
	s->best_ms = INFINITY;
	for (size_t k = i; k < v->n_passes; k++)
		s->best_ms = fmin(s->best_ms, need_ms(s, &v->passes[k]));
	s->lever = i;
	s->stuck = v->n_passes - i;
	s->stuck_s = v->now_s - v->passes[i - 1].at_s;
	if (!s->since)
		s->since = i;
	s->tried = v->n_passes - s->since;
}

/* How active it was, pass for pass, over what the curve expects. */
static void find_period(struct sight *s)
{
	const struct policy_view *v = s->v;
	struct period_span span[SPANS];
	size_t n = 0, first = v->n_passes > SPANS ? v->n_passes - SPANS : 1;

	for (size_t i = first; i < v->n_passes; i++) {
		const struct policy_pass *p = &v->passes[i];
		double own = p->seconds * (1 - p->throttle), expected;

		expected = curve_at(v->curve, own);
		/* what a wide gate leaves over blurs it */
		if (is_wide(s, p->gate_ms))
			break;
		if (!(p->seconds > 0) || !(expected > 0))
			continue;
		span[n++] = (struct period_span){
			.from_s = p->at_s - p->seconds,
			.to_s = p->at_s,
			.activity = fmin(policy_dirtied(v->curve, p) / expected,
					 POLICY_ACTIVITY_MOST),
		};
	}
	period_find(span, n, &s->period);
}

/* From here on it looks ahead with the gate held, or wide. */
static void set_gate(struct sight *s, bool wide)
{
	double gate = s->room_ms / 1e3 * s->bps;

	s->wide = wide;
	s->left_bytes = wide ? fmax(gate - POLICY_TURN_S / 2 * s->bps, gate / 2)
			     : 0;
	s->set_bytes = fmax(curve_working_set(s->v->curve), gate);
}

static bool look_at(struct sight *s, const struct policy_view *v)
{
	*s = (struct sight){
		.v = v,
		.bps = policy_bandwidth_bps(v),
		.room_ms = policy_room_ms(v->facts),
		.left_s = INFINITY,
	};
	if (!v->n_passes || !(s->bps > 0) || !curve_known(v->curve))
		return false;
	s->last = &v->passes[v->n_passes - 1];
	s->overhead_s = forecast_link_overhead_s(v->link);
	s->need_ms = need_ms(s, s->last);
	if (v->facts->deadline_s > 0)
		s->left_s = v->facts->deadline_s - v->now_s;
	s->draws = curve_draws(v->curve, s->draw, DRAWS);
	set_gate(s, is_wide(s, v->gate_ms));
	find_since(s);
	find_period(s);
	return true;
}

static bool is_phased(const struct sight *s)
{
	return s->period.spread > phased_spread;
}

/* --- looking ahead ------------------------------------------------------- */

static double pass_seconds(const struct sight *s, double bytes)
{
	return s->overhead_s + fmax(bytes - s->left_bytes, 0) / s->bps;
}

/*
 * What a pass of @bytes leaves, in the middle of the curves. A wide gate syncs
 * while much is left over, and what is written meanwhile is in part the same
 * pages. With L left over of a working set W
 *
 *	V' = L + D(overhead + (V - L) / B) (1 - L / W)
 *
 * which may shrink where V' = D(overhead + V / B) does not.
 */
static double leaves(const struct sight *s, double bytes, double throttle)
{
	double own = pass_seconds(s, bytes) * (1 - throttle);
	double sum = 0;

	for (size_t i = 0; i < s->draws; i++)
		sum += log(fmax(curve_draw_at(&s->draw[i], own), 1));
	return s->left_bytes +
	       exp(sum / (double)s->draws) * (1 - s->left_bytes / s->set_bytes);
}

/*
 * Seconds until no more than @target_ms is left, at most @within_s; *left_ms:
 * what is left then. INFINITY when it gets no further before.
 */
static double time_to(const struct sight *s, double target_ms, double within_s,
		      double throttle, double *left_ms)
{
	double bytes = (double)s->last->dirty_bytes, t = 0;

	*left_ms = bytes / s->bps * 1e3;
	for (int i = 0; i<AHEAD && * left_ms> target_ms; i++) {
		double next = leaves(s, bytes, throttle);

		t += pass_seconds(s, bytes);
		/* at a fixed point the last one counts as all that follow */
		if (t > within_s || next > bytes * POLICY_FIXED_POINT)
			return INFINITY;
		bytes = next;
		*left_ms = bytes / s->bps * 1e3;
	}
	return *left_ms > target_ms ? INFINITY : t;
}

/* --- waiting ------------------------------------------------------------- */

static int64_t least(const struct policy_view *v, size_t from, size_t to)
{
	int64_t best = INT64_MAX;

	for (size_t i = from; i < to; i++) {
		if (v->passes[i].dirty_bytes < best)
			best = v->passes[i].dirty_bytes;
	}
	return best;
}

/* The last passes bear out what the curve says. */
static bool gaining(const struct sight *s)
{
	size_t n = s->v->n_passes, recent = n - STUCK_PASSES;

	if (n - s->since < STUCK_PASSES + 1)
		return true;
	return (double)least(s->v, recent, n) <
	       progress * (double)least(s->v, s->since, recent);
}

/* When a switch would have fitted for the first time, INFINITY. */
static double first_fit_s(const struct sight *s)
{
	for (size_t i = 0; i < s->v->n_passes; i++) {
		if (need_ms(s, &s->v->passes[i]) <= s->room_ms)
			return s->v->passes[i].at_s;
	}
	return INFINITY;
}

/* How much longer it may be waited for less. */
static double wait_s(const struct sight *s)
{
	double fit = first_fit_s(s), most = s->left_s * 0.7;

	/* a pass more takes of the guest's time what the pause would */
	if (s->v->throttle > 0 && s->need_ms <= s->room_ms)
		return 0;
	if (isinf(fit))
		return most;
	return fmin(fit * (1 + FORECAST_PATIENCE) + FORECAST_PATIENCE_S -
			    s->v->now_s,
		    most);
}

static bool still_shrinking(const struct sight *s, struct policy_decision *out)
{
	double most = wait_s(s), left, to_go;
	double target = s->need_ms <= s->room_ms ? POLICY_HOLD_MS : s->room_ms;
	double gate = s->wide ? s->v->gate_ms : POLICY_HOLD_MS;

	if (most <= 0 || !gaining(s))
		return false;
	to_go = time_to(s, target, most, s->v->throttle, &left);
	if (isinf(to_go) && left > POLICY_GOOD_PART * s->need_ms)
		return false;
	if (isinf(to_go))
		policy_gate(s->v, out, gate,
			    "Waiting: each pass still leaves less.");
	else
		policy_gate(s->v, out, gate,
			    "Waiting: each pass still leaves less; about "
			    "%.0f-%.0f s to go.",
			    floor(to_go * 0.8), ceil(to_go * 1.2 + 0.5));
	return true;
}

/* --- opening the gate ---------------------------------------------------- */

/* Passes up to the last, in a row, with which a switch would have fitted. */
static size_t fits_in_a_row(const struct sight *s)
{
	size_t n = 0, i = s->v->n_passes;

	while (i > s->lever && need_ms(s, &s->v->passes[i - 1]) <= s->room_ms) {
		i--;
		n++;
	}
	return n;
}

static bool opens(const struct sight *s, struct policy_decision *out)
{
	size_t tries = fits_in_a_row(s);
	double gate = s->room_ms;
	bool aim = s->need_ms > (POLICY_WINDOW_S + look_s) * 1e3 &&
		   s->v->throttle <= 0 && tries <= 2 * ARRAY_SIZE(steps);

	if (s->need_ms > s->room_ms)
		return false;
	if (tries < ARRAY_SIZE(steps) + 1) {
		size_t step = tries ? tries - 1 : 0;

		/* where next to nothing is left a part of it is nothing */
		gate = fmin(fmax(s->need_ms * steps[step],
				 least_ms * (double)(step + 1)),
			    gate);
	}
	policy_gate(s->v, out, aim ? POLICY_HOLD_MS : gate,
		    "Switching: %.1f MB is dirtied again each pass and waiting "
		    "gets it no lower; that stops the guest for about %.0f ms "
		    "of the %.0f ms allowed.",
		    (double)s->last->dirty_bytes / 1e6,
		    s->need_ms + s->v->facts->fixed_ms, s->v->facts->budget_ms);
	out->late_gate_ms = aim ? gate : 0;
	return true;
}

/* A lever is pulled when passes are stuck, and later where luck may come. */
static bool may_pull(const struct sight *s)
{
	double wait = is_phased(s) && s->left_s > 2 * hold_s ? hold_s
							     : POLICY_PULL_S;

	if (s->v->throttle > 0)
		return true;
	return s->stuck >= STUCK_PASSES &&
	       s->stuck_s >= fmin(wait, s->left_s / 8);
}

/* --- the gate as wide as allowed ----------------------------------------- */

/*
 * It costs the guest nothing: where what it leaves over is a good part of the
 * working set it is tried whatever the curve says.
 */
static bool wide_may_do(const struct sight *s)
{
	struct sight wide = *s;
	double left_ms;

	set_gate(&wide, true);
	return wide.left_bytes > wide_share * wide.set_bytes ||
	       !isinf(time_to(&wide, s->room_ms, s->left_s, 0, &left_ms));
}

static bool widens(const struct sight *s, struct policy_decision *out)
{
	if (s->wide ? s->tried >= WIDE_PASSES
		    : is_phased(s) || !may_pull(s) || !wide_may_do(s))
		return false;
	policy_gate(s->v, out, s->room_ms,
		    "Opening the gate as wide as the budget of %.0f ms allows: "
		    "passes that end early leave less.",
		    s->v->facts->budget_ms);
	return true;
}

/* --- throttling ---------------------------------------------------------- */

/*
 * The smallest throttle that gets what is left into the room in time, among
 * those that cost the guest about the least (a weak one lasts longer). 0: none.
 */
static double find_throttle(const struct sight *s, double most)
{
	int steps_to_most = (int)round(most / throttle_step);
	double room = s->room_ms / throttle_margin, left;
	double lost, cheapest = INFINITY;
	double t;

	for (int i = 1; i <= steps_to_most; i++) {
		double x = i * throttle_step;

		t = time_to(s, room, s->left_s * 0.8, x, &left);
		cheapest = fmin(cheapest, t * x);
	}
	if (isinf(cheapest))
		return 0;
	for (int i = 1; i <= steps_to_most; i++) {
		double x = i * throttle_step;

		lost = time_to(s, room, s->left_s * 0.8, x, &left) * x;
		if (lost <= cheapest * throttle_excess)
			return round(x / throttle_step) * throttle_step;
	}
	return most;
}

/*
 * A throttled vCPU sleeps x / (1 - x) slices at a stretch, and that is to be no
 * longer than the pause that is allowed, unless that was seen not to do.
 */
static double throttle_most(const struct sight *s)
{
	double budget = s->v->facts->budget_ms, now = s->v->throttle;
	double bearable = budget / (budget + throttle_slice_ms);

	bearable = floor(bearable / throttle_step) * throttle_step;
	if (now > bearable - throttle_step / 2 && s->tried >= STUCK_PASSES &&
	    !gaining(s))
		return s->v->facts->throttle_max;
	return fmin(s->v->facts->throttle_max, fmax(bearable, now));
}

/*
 * What to go to from here. Where the curve was not seen at such short times
 * (a guest that rewrites all of its set in each pass shows no rate) it may say
 * too much or nothing: one step leaves the guest a fifth of its time at least,
 * and each pass teaches the curve a shorter time.
 */
static double next_throttle(const struct sight *s)
{
	double now = s->v->throttle, most = throttle_most(s);
	double x = find_throttle(s, most);
	double step =
		round((1 - (1 - now) / 5) / throttle_step) * throttle_step;

	/* seen to be too weak: a correction is a step at least */
	if (x > 0 && now > 0 && !gaining(s))
		x = fmax(x, now + (1 - now) / 4);
	return fmin(x > 0 ? fmin(x, step) : step, most);
}

static bool throttles(const struct sight *s, struct policy_decision *out)
{
	const struct policy_view *v = s->v;
	double x, more;

	if (!v->facts->may_throttle || !may_pull(s))
		return false;
	if (v->throttle > 0 && s->tried < VERIFY_PASSES) {
		policy_wait(v, out,
			    "Waiting: the guest is throttled by %.0f %%, and "
			    "the next pass shows what that does.",
			    v->throttle * 100);
		return true;
	}
	x = next_throttle(s);
	more = v->throttle > 0 && gaining(s) ? throttle_more
					     : throttle_step / 2;
	if (x < v->throttle + more && x > v->throttle - throttle_less)
		return false;
	policy_throttle(v, out, x,
			"Throttling the guest by %.0f %%: it rewrites memory "
			"faster than the link carries it.",
			x * 100);
	return true;
}

/* --- giving up ----------------------------------------------------------- */

/* ", or " between what would do, each alone. */
static void say_remedies(const struct forecast_remedy *r, char *buf,
			 size_t size)
{
	char link[48] = "", budget[48] = "", throttle[48] = "";
	const char *or_budget, *or_throttle;

	if (r->bandwidth_bps > 0)
		snprintf(link, sizeof(link), "a link of %.0f MB/s",
			 ceil(r->bandwidth_bps / 1e6));
	if (r->budget_ms > 0)
		snprintf(budget, sizeof(budget), "a budget of %.0f ms",
			 ceil(r->budget_ms));
	if (r->throttle > 0)
		snprintf(throttle, sizeof(throttle), "a throttle of %.0f %%",
			 ceil(r->throttle * 100));
	or_budget = *link && *budget ? ", or " : "";
	or_throttle = (*link || *budget) && *throttle ? ", or " : "";
	snprintf(buf, size, "%s%s%s%s%s", link, or_budget, budget, or_throttle,
		 throttle);
}

static void give_up(const struct sight *s, struct policy_decision *out)
{
	const struct policy_view *v = s->v;
	struct forecast_start from = {
		.left_bytes = (double)s->last->dirty_bytes,
	};
	struct forecast_setting set = {
		.bandwidth_bps = policy_least_bps(v),
		.overhead_s = s->overhead_s,
		.fixed_ms = v->facts->fixed_ms,
		.hold_ms = POLICY_HOLD_MS,
		.budget_ms = v->facts->budget_ms,
		.shrink = 1,
		.link_sigma = policy_link_sigma(v),
		.fixed_worst_ms = policy_fixed_worst_ms(v->facts),
	};
	struct forecast_remedy r;
	char words[160] = "";

	forecast_remedies(v->curve, &from, &set, &r);
	say_remedies(&r, words, sizeof(words));
	policy_give_up(v, out,
		       "The guest rewrites %.1f MB while as much is copied at "
		       "%.1f MB/s: it would take %s.",
		       (double)s->last->dirty_bytes / 1e6,
		       set.bandwidth_bps / 1e6,
		       *words ? words : "a quieter guest");
}

/* The wide gate has had its passes and its time, too. */
static bool is_hopeless(const struct sight *s)
{
	const struct policy_facts *f = s->v->facts;

	if (f->deadline_s > 0 && f->force)
		return false;
	if (f->deadline_s > 0 && is_phased(s) && s->v->throttle <= 0)
		return false;
	if (s->stuck < TRIED_PASSES || gaining(s))
		return false;
	/* as near as this, chance may do */
	if (s->best_ms < near_miss * s->room_ms &&
	    (s->stuck < NEAR_PASSES || s->stuck_s < near_s))
		return false;
	/* each pass costs the guest most of its time */
	if (s->v->throttle > 0)
		return true;
	return s->stuck_s + s->last->seconds >
		       (is_phased(s) ? phased_s : tried_s) &&
	       (s->room_ms <= POLICY_HOLD_MS ||
		(s->wide && s->tried >= WIDE_PASSES));
}

/* As late as leaves it the passes that it is to be given. */
static bool is_time_to_widen(const struct sight *s)
{
	double most = fmin(hold_s, s->left_s / 4);

	return s->stuck >= TRIED_PASSES - WIDE_PASSES &&
	       s->stuck_s + (WIDE_PASSES + 1) * s->last->seconds >
		       fmin(most, tried_s);
}

/*
 * Nothing gets it there but luck: the gate is held for a while, since a quiet
 * guest goes through a narrow one with the shortest pause, and then it is open
 * as wide as is allowed.
 */
static void last_hope(const struct sight *s, struct policy_decision *out)
{
	const struct policy_view *v = s->v;
	bool wide = s->wide || is_time_to_widen(s);

	if (is_hopeless(s)) {
		give_up(s, out);
		return;
	}
	policy_gate(v, out, wide ? s->room_ms : POLICY_HOLD_MS,
		    is_phased(s)
			    ? "Waiting for a quiet phase of the guest: a "
			      "switch now would take %.0f ms, and %.0f ms are "
			      "allowed."
			    : "Waiting: passes gain nothing any more; a switch "
			      "now would take %.0f ms, and %.0f ms are "
			      "allowed.",
		    s->need_ms + v->facts->fixed_ms, v->facts->budget_ms);
}

/* --- the policy ---------------------------------------------------------- */

/* Between two passes. */
static void go_on(const struct policy_view *v, struct policy_decision *out)
{
	double bps = policy_bandwidth_bps(v), left;

	if (!v->last || !v->n_samples) {
		policy_wait(v, out,
			    "Waiting: memory is being copied for the "
			    "first time.");
		return;
	}
	left = (double)v->samples[v->n_samples - 1].remaining_bytes;
	if (v->last->late_gate_ms > 0 &&
	    left < (POLICY_WINDOW_S + look_s) * bps) {
		policy_gate(v, out, v->last->late_gate_ms, "%s", v->last->why);
		return;
	}
	policy_wait(v, out, "%s", v->last->why);
}

static void auto_decide(const struct policy_view *v,
			struct policy_decision *out)
{
	struct sight s;

	if (policy_deadline(v, out))
		return;
	if (!v->pass_ended) {
		go_on(v, out);
		return;
	}
	if (!look_at(&s, v)) {
		policy_wait(v, out, "Waiting: nothing was measured yet.");
		return;
	}
	if (v->facts->xbzrle_shrink > 0 && !v->link->encoded &&
	    s.need_ms > s.room_ms) {
		policy_wait(v, out,
			    "Waiting: from the third pass on only what has "
			    "changed in a page is sent.");
		return;
	}
	if (v->throttle > 0 && s.need_ms > s.room_ms && throttles(&s, out))
		return;
	if (still_shrinking(&s, out) || opens(&s, out))
		return;
	if (v->throttle <= 0 && (widens(&s, out) || throttles(&s, out)))
		return;
	last_hope(&s, out);
}

static double auto_first(const struct policy_facts *f)
{
	(void)f;
	return POLICY_HOLD_MS;
}

const struct policy policy_auto = {
	.name = "auto",
	.first_gate_ms = auto_first,
	.decide = auto_decide,
};
