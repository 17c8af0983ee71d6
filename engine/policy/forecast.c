/* SPDX-License-Identifier: MIT */
/* forecast: what a migration will come to; pure. Theory: see forecast.h. */
#include "engine/policy/forecast.h"

#include <math.h>

#include "engine/policy/policy_constants.h"

/* --- one migration over one curve ----------------------------------------- */

struct walk {
	const struct forecast_setting *s;
	const struct curve_draw *draw;
	double left, best; /* bytes; best: the least after any sync */
	double seconds, bytes;
	int passes, stuck;
	int whole; /* passes to come that send whole pages */
	bool from_start;
	double fit_s; /* when a switch would have fitted first; 0: not yet */
	bool synced;
	unsigned noise;
};

/* Scatter of one pass: normal enough, and the same in every run. */
static double scatter(struct walk *w)
{
	double sum = 0;

	for (int i = 0; i < 3; i++) {
		w->noise = w->noise * 1664525u + 1013904223u;
		sum += (double)(w->noise >> 8) / (1 << 24) - 0.5;
	}
	return fmax(sum * 2 * w->draw->sigma, -1);
}

/* Of what is left, as the present pass sends it. */
static double wire_bytes(const struct walk *w)
{
	return w->passes < w->whole ? w->left : w->left * w->s->shrink;
}

static void walk_pass(struct walk *w, double already_s)
{
	double wire = wire_bytes(w);
	double took = w->s->overhead_s + wire / w->s->bandwidth_bps;
	double guest_s = (already_s + took) * (1 - w->s->throttle);

	w->seconds += took;
	w->bytes += wire;
	w->left = curve_draw_at(w->draw, guest_s) * (1 + scatter(w));
	w->synced = true;
	w->passes++;
	w->stuck++;
	if (w->left < FORECAST_GAIN * w->best) {
		w->best = w->left;
		w->stuck = 0;
	}
}

static double blackout_ms(const struct walk *w)
{
	return wire_bytes(w) / w->s->final_bps * 1e3 + w->s->fixed_ms;
}

static bool late(const struct walk *w)
{
	return w->s->deadline_s > 0 && w->seconds > w->s->deadline_s;
}

/*
 * Once a switch would fit, the policy waits for less only so much longer, and
 * only where that is a good part.
 */
static bool is_worth_waiting(const struct walk *w)
{
	double most_s = w->fit_s * (1 + FORECAST_PATIENCE) +
			FORECAST_PATIENCE_S - w->seconds;
	double left = w->left, next;

	for (int i = 0; i < FORECAST_STUCK * FORECAST_GIVE_UP; i++) {
		double took = w->s->overhead_s + left / w->s->bandwidth_bps;

		most_s -= took;
		next = curve_draw_at(w->draw, took * (1 - w->s->throttle));
		if (most_s < 0 || next > left * POLICY_FIXED_POINT)
			return false;
		left = next;
		if (left <= w->left * POLICY_GOOD_PART)
			return true;
	}
	return false;
}

static bool switches(struct walk *w)
{
	if (!w->synced || late(w))
		return false;
	if (w->left / w->s->bandwidth_bps * 1e3 <= w->s->hold_ms)
		return true;
	if (!(blackout_ms(w) <= w->s->budget_ms))
		return false;
	if (!(w->fit_s > 0))
		w->fit_s = w->seconds;
	return w->stuck >= FORECAST_STUCK ||
	       (w->from_start && !is_worth_waiting(w));
}

/* With a deadline the policy waits for a quieter moment until then. */
static bool gives_up(const struct walk *w)
{
	if (w->passes >= FORECAST_PASSES || late(w))
		return true;
	return !(w->s->deadline_s > 0) && w->stuck >= FORECAST_GIVE_UP;
}

static bool walk(struct walk *w, const struct forecast_start *from)
{
	double already_s = from->pass_s;

	w->left = from->left_bytes;
	w->best = from->best_bytes;
	w->stuck = from->stuck;
	w->whole = from->first_pass ? 2 : 0;
	w->from_start = from->first_pass;
	w->synced = !from->first_pass && !(from->pass_s > 0);
	while (!switches(w)) {
		if (gives_up(w))
			return false;
		walk_pass(w, already_s);
		already_s = 0;
	}
	return true;
}

/* --- all of them ---------------------------------------------------------- */

struct tally {
	double seconds[FORECAST_DRAWS], bytes[FORECAST_DRAWS],
		passes[FORECAST_DRAWS], blackout_ms[FORECAST_DRAWS];
	size_t n;
};

static void count(struct tally *t, const struct walk *w)
{
	t->seconds[t->n] = w->seconds + blackout_ms(w) / 1e3;
	t->bytes[t->n] = w->bytes + wire_bytes(w);
	t->passes[t->n] = w->passes;
	t->blackout_ms[t->n] = blackout_ms(w);
	t->n++;
}

/* A number of the caller's that may be anything: @otherwise, unless more. */
static double more_than(double x, double otherwise)
{
	return x > otherwise && isfinite(x) ? x : otherwise;
}

/* Measurements that scatter by more say nothing. */
static const double most_sigma = 2;

static struct forecast_setting sane_setting(const struct forecast_setting *s)
{
	struct forecast_setting sane = *s;

	sane.final_bps = more_than(s->final_bps, 0);
	if (sane.final_bps <= 0)
		sane.final_bps = s->bandwidth_bps;
	sane.overhead_s = more_than(s->overhead_s, 0);
	sane.fixed_ms = more_than(s->fixed_ms, 0);
	sane.throttle = fmin(more_than(s->throttle, 0), POLICY_THROTTLE_MAX);
	sane.shrink = more_than(s->shrink, 0);
	if (sane.shrink <= 0)
		sane.shrink = 1;
	sane.link_sigma = fmin(more_than(s->link_sigma, 0), most_sigma);
	sane.fixed_worst_ms = more_than(s->fixed_worst_ms, sane.fixed_ms);
	return sane;
}

static struct forecast_start sane_start(const struct forecast_start *from)
{
	struct forecast_start sane = *from;

	sane.pass_s = more_than(from->pass_s, 0);
	sane.best_bytes = more_than(from->best_bytes, 0);
	if (sane.best_bytes <= 0)
		sane.best_bytes = from->first_pass ? INFINITY
						   : from->left_bytes;
	return sane;
}

static bool positive(double x)
{
	return x > 0 && isfinite(x);
}

static void conclude(struct tally *there, struct tally *stuck,
		     struct forecast *out)
{
	size_t n = there->n + stuck->n;

	out->p_converge = n ? (double)there->n / (double)n : 0;
	out->blackout_ms = out->p_converge < FORECAST_NEVER
				   ? spread_of(stuck->blackout_ms, stuck->n)
				   : spread_of(there->blackout_ms, there->n);
	out->seconds = spread_of(there->seconds, there->n);
	out->bytes = spread_of(there->bytes, there->n);
	out->passes = spread_of(there->passes, there->n).p50;
}

void forecast_run(const struct curve *c, const struct forecast_start *from,
		  const struct forecast_setting *s, struct forecast *out)
{
	struct forecast_setting setting = sane_setting(s);
	struct forecast_start start = sane_start(from);
	struct curve_draw draws[FORECAST_DRAWS];
	struct tally there = { .n = 0 }, stuck = { .n = 0 };
	size_t n = 0;

	if (positive(s->bandwidth_bps) && from->left_bytes >= 0 &&
	    isfinite(from->left_bytes))
		n = curve_draws(c, draws, FORECAST_DRAWS);
	for (size_t i = 0; i < n; i++) {
		struct walk w = {
			.s = &setting,
			.draw = &draws[i],
			.noise = (unsigned)i * 2654435761u,
		};

		count(walk(&w, &start) ? &there : &stuck, &w);
	}
	conclude(&there, &stuck, out);
}

/* --- doubt ---------------------------------------------------------------- */

double forecast_scatter(const double *v, size_t n, double prior)
{
	double sum = 0, squares = 0, count = 0, off = 0;

	for (size_t i = 0; i < n; i++) {
		double x = positive(v[i]) ? log(v[i]) : 0;

		if (!positive(v[i]))
			continue;
		sum += x;
		squares += x * x;
		count++;
	}
	if (count > 0)
		off = fmax(squares - sum * sum / count, 0);
	return sqrt((FORECAST_PRIOR * prior * prior + off) /
		    (FORECAST_PRIOR + fmax(count - 1, 0)));
}

struct forecast_setting forecast_doubted(const struct forecast_setting *s)
{
	struct forecast_setting worse = sane_setting(s);
	double slower = exp(FORECAST_DOUBT * worse.link_sigma);

	worse.bandwidth_bps /= slower;
	worse.final_bps /= slower;
	worse.fixed_ms = worse.fixed_worst_ms;
	return worse;
}

/* --- remedies ------------------------------------------------------------- */

struct remedy {
	const struct curve *c;
	const struct forecast_start *from;
	const struct forecast_setting *s;
	/* @s with the lever at 0 … 1 of its way */
	void (*pull)(struct forecast_setting *s, double lever);
};

/* A link a million times as fast. */
static void pull_bandwidth(struct forecast_setting *s, double lever)
{
	double faster = exp2(20 * lever);

	s->bandwidth_bps *= faster;
	s->final_bps *= faster;
}

static void pull_budget(struct forecast_setting *s, double lever)
{
	double low = fmax(s->budget_ms, 1);

	if (lever > 0 && low < POLICY_WIDE_MS)
		s->budget_ms = low * pow(POLICY_WIDE_MS / low, lever);
}

static void pull_throttle(struct forecast_setting *s, double lever)
{
	s->throttle += lever * (POLICY_THROTTLE_MAX - s->throttle);
}

static bool helps(const struct remedy *r, double lever,
		  struct forecast_setting *s)
{
	struct forecast f;

	*s = *r->s;
	r->pull(s, lever);
	forecast_run(r->c, r->from, s, &f);
	return f.p_converge >= 1 - FORECAST_RISK;
}

/* The least that helps goes to @s; false where nothing does. */
static bool least(const struct remedy *r, struct forecast_setting *s)
{
	double low = 0, high = 1;

	if (helps(r, 0, s))
		return true;
	if (!helps(r, 1, s))
		return false;
	for (int i = 0; i < 13; i++) {
		double middle = (low + high) / 2;

		if (helps(r, middle, s))
			high = middle;
		else
			low = middle;
	}
	return helps(r, high, s);
}

void forecast_remedies(const struct curve *c, const struct forecast_start *from,
		       const struct forecast_setting *s,
		       struct forecast_remedy *out)
{
	struct forecast_setting worse = forecast_doubted(s), found;
	struct remedy r = { .c = c, .from = from, .s = &worse };

	r.pull = pull_bandwidth;
	out->bandwidth_bps = 0;
	/* the same doubt is in what is measured of the better link */
	if (least(&r, &found))
		out->bandwidth_bps = s->bandwidth_bps * found.bandwidth_bps /
				     worse.bandwidth_bps;
	r.pull = pull_budget;
	out->budget_ms = least(&r, &found) ? found.budget_ms : 0;
	r.pull = pull_throttle;
	out->throttle = least(&r, &found) ? found.throttle : 0;
}

/* --- the link ------------------------------------------------------------- */

/* The time of a pass scatters by this part of itself. */
static const double link_sigma = 0.007;
/* An overhead is the usual one, give or take this, and not negative. */
static const double overhead_sigma_s = 0.04;
/* A pass of fading_s takes what was learnt before down to link_fade of it. */
static const double fading_s = 0.5, link_fade = 0.8;

void forecast_link_add(struct forecast_link *l, double bytes, double seconds)
{
	double w, fade;

	if (!positive(seconds) || !isfinite(bytes) || !(bytes >= 1))
		return;
	bytes = fmin(bytes, 0x1p80);
	seconds = fmin(fmax(seconds, 1e-4), 1e9);
	w = 1 / (seconds * seconds);
	/* many short ones must not outweigh the few that determine B */
	fade = pow(link_fade, fmin(seconds / fading_s, 1));
	l->n = l->n * fade + w;
	l->sv = l->sv * fade + w * bytes;
	l->st = l->st * fade + w * seconds;
	l->svv = l->svv * fade + w * bytes * bytes;
	l->svt = l->svt * fade + w * bytes * seconds;
	l->last_bps = bytes / seconds;
}

bool forecast_link_known(const struct forecast_link *l)
{
	return l->last_bps > 0;
}

/* The mean of N(@mean, @sigma²) where it is not negative. */
static double mean_above_0(double mean, double sigma)
{
	double z = mean / sigma;

	if (z < -5)
		return sigma / -z; /* nearly, and erfc() comes to nothing */
	return mean + sigma * exp(-z * z / 2) / sqrt(2 * M_PI) /
			      (0.5 * erfc(-z * M_SQRT1_2));
}

double forecast_link_overhead_s(const struct forecast_link *l)
{
	double prior =
		link_sigma / overhead_sigma_s * link_sigma / overhead_sigma_s;
	double usual = l->usual_s > 0 ? l->usual_s : POLICY_OVERHEAD_S;
	double n = l->n + prior, st = l->st + prior * usual;
	double det = n * l->svv - l->sv * l->sv;

	if (!(det > 0))
		return 0;
	return mean_above_0((st * l->svv - l->sv * l->svt) / det,
			    link_sigma * sqrt(l->svv / det));
}

double forecast_link_bps(const struct forecast_link *l)
{
	double copying = l->svt - forecast_link_overhead_s(l) * l->sv;

	return copying > 0 ? l->svv / copying : l->last_bps;
}
