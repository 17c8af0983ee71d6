/* SPDX-License-Identifier: MIT */
/*
 * forecast: one claim a test. The first ones let thousands of synthetic guests
 * migrate through a simulated QEMU, forecast each after its third pass, and
 * hold the errors to a bar.
 */
#include "engine/policy/forecast.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/policy/policy_constants.h"
#include "tests/unit/test.h"

/* --- chance, the same in every run ---------------------------------------- */

static uint64_t seed;

static void start_with(uint64_t number)
{
	seed = (number + 1) * 0x9e3779b97f4a7c15u;
}

static double between(double low, double high)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return low + (high - low) * ((double)(seed >> 11) * 0x1p-53);
}

/* As likely in each octave. */
static double octaves(double low, double high)
{
	return low * pow(high / low, between(0, 1));
}

static double normal(void)
{
	double radius = sqrt(-2 * log(1 - between(0, 1)));

	return radius * cos(2 * M_PI * between(0, 1));
}

/* --- synthetic guests ----------------------------------------------------- */

enum kind {
	LINEAR,	 /* around and around */
	UNIFORM, /* at random */
	HOTCOLD, /* 9 in 10 writes in the first tenth */
	PHASED,	 /* one of these, with rests */
	SKEWED,	 /* a hot part of any size, with any share of the writes */
	KINDS
};
static const char *const kind_names[] = { "linear", "uniform", "hot-cold",
					  "phased", "skewed" };

struct guest {
	enum kind kind, pattern;
	double rate_bps, set_bytes, ram_bytes;
	double hot, writes;		/* parts of pages and of writes */
	double busy_s, idle_s, phase_s; /* phase: where it is at first */
	double noise;			/* σ of what a pass leaves */
};

static double random_writes(double set, double bytes)
{
	return -set * expm1(-bytes / set);
}

/* Distinct bytes rewritten in so many seconds of being busy. */
static double distinct(const struct guest *g, double busy_s)
{
	double bytes = g->rate_bps * busy_s;

	if (g->pattern == LINEAR)
		return fmin(bytes, g->set_bytes);
	if (g->pattern == UNIFORM)
		return random_writes(g->set_bytes, bytes);
	return random_writes(g->hot * g->set_bytes, g->writes * bytes) +
	       random_writes((1 - g->hot) * g->set_bytes,
			     (1 - g->writes) * bytes);
}

/* How long it was busy until @now_s. */
static double busy_until(const struct guest *g, double now_s)
{
	double period = g->busy_s + g->idle_s, at = now_s + g->phase_s;
	double periods = floor(at / period);

	return periods * g->busy_s + fmin(at - periods * period, g->busy_s);
}

static double dirtied(const struct guest *g, double from_s, double to_s)
{
	double busy = to_s - from_s, bytes;

	if (g->idle_s > 0)
		busy = busy_until(g, to_s) - busy_until(g, from_s);
	bytes = distinct(g, busy) * fmax(1 + g->noise * normal(), 0);
	return floor(fmin(bytes, g->ram_bytes) / POLICY_PAGE_BYTES) *
	       POLICY_PAGE_BYTES;
}

struct link {
	double bandwidth_bps, final_bps, overhead_s, fixed_ms, noise;
};
struct example {
	struct guest guest;
	struct link link;
	double budget_ms;
};

static struct example make_example(enum kind kind, uint64_t number)
{
	static const double mib = 0x1p20, gib = 0x1p30;
	struct example e = { .guest.kind = kind, .guest.pattern = kind };
	struct guest *g = &e.guest;
	struct link *l = &e.link;

	start_with(number * KINDS + kind);
	l->bandwidth_bps = octaves(50e6, 1250e6);
	l->final_bps = l->bandwidth_bps * between(1, 1.5);
	l->overhead_s = between(0, 0.08);
	l->fixed_ms = between(5, 40);
	e.budget_ms = octaves(50, 3000);
	g->noise = between(0, 0.1);
	l->noise = g->noise / 10;
	g->set_bytes = octaves(4 * mib, 4 * gib);
	g->ram_bytes = octaves(fmax(gib, g->set_bytes), 64 * gib);
	g->rate_bps = l->bandwidth_bps * octaves(0.1, 8);
	g->hot = kind == SKEWED ? octaves(0.003, 0.5) : 0.1;
	g->writes = kind == SKEWED ? between(g->hot, 1) : 0.9;
	if (kind == PHASED) {
		g->pattern = (enum kind)between(LINEAR, PHASED - 1e-9);
		g->busy_s = octaves(0.05, 10);
		g->idle_s = octaves(0.05, 5);
		g->phase_s = between(0, g->busy_s + g->idle_s);
	}
	return e;
}

/* --- the truth: passes of a simulated QEMU -------------------------------- */

/* Known after so many passes, and forecast from that. */
static const int known_passes = 3;
static const double hold_ms = 1;

struct migration {
	double now_s, left_bytes, best_bytes;
	int passes, stuck;
	/* learnt */
	struct curve curve;
	struct forecast_link link;
};

/* All of RAM first, then each time what was dirtied meanwhile. */
static void pass(struct migration *m, const struct example *e)
{
	const struct link *l = &e->link;
	double bps = l->bandwidth_bps * fmax(1 + l->noise * normal(), 0.5);
	double took = l->overhead_s + m->left_bytes / bps;
	double bytes = dirtied(&e->guest, m->now_s, m->now_s + took);

	if (m->passes < known_passes) {
		curve_add(&m->curve, took, bytes);
		forecast_link_add(&m->link, m->left_bytes, took);
	}
	m->now_s += took;
	m->left_bytes = bytes;
	m->passes++;
	m->stuck++;
	if (bytes < FORECAST_GAIN * m->best_bytes) {
		m->best_bytes = bytes;
		m->stuck = 0;
	}
}

static double blackout_ms(const struct migration *m, const struct example *e)
{
	return m->left_bytes / e->link.final_bps * 1e3 + e->link.fixed_ms;
}

/* Through the gate as it is held, or opened at the fixed point. */
static bool over(const struct migration *m, const struct example *e)
{
	if (m->left_bytes / e->link.bandwidth_bps * 1e3 <= hold_ms)
		return true;
	return m->stuck >= 3 && blackout_ms(m, e) <= e->budget_ms;
}

static void forecast_now(const struct migration *m, const struct example *e,
			 struct forecast *out)
{
	double bps = forecast_link_bps(&m->link);
	struct forecast_setting s = {
		.bandwidth_bps = bps,
		.final_bps = bps * e->link.final_bps / e->link.bandwidth_bps,
		.overhead_s = forecast_link_overhead_s(&m->link),
		.fixed_ms = e->link.fixed_ms,
		.hold_ms = hold_ms,
		.budget_ms = e->budget_ms,
	};
	struct forecast_start from = {
		.left_bytes = m->left_bytes,
		.best_bytes = m->best_bytes,
		.stuck = m->stuck,
	};

	forecast_run(&m->curve, &from, &s, out);
}

struct trial {
	bool forecast_made; /* three passes were not enough to arrive */
	bool converged, never_said;
	int passes;
	double total_s, rest_s, blackout_ms;
	struct forecast f;
	double forecast_s; /* of the whole */
};

static void run_trial(const struct example *e, struct trial *t)
{
	static struct migration m;

	m = (struct migration){ .left_bytes = e->guest.ram_bytes,
				.best_bytes = INFINITY };
	curve_init(&m.curve, e->guest.ram_bytes);
	memset(t, 0, sizeof(*t));
	do {
		pass(&m, e);
		if (m.passes != known_passes || over(&m, e))
			continue;
		forecast_now(&m, e, &t->f);
		t->forecast_made = true;
		t->never_said = t->f.p_converge < FORECAST_NEVER;
		t->rest_s = -m.now_s;
		t->forecast_s = m.now_s + t->f.seconds.p50;
	} while (!over(&m, e) && m.stuck < 12 && m.passes < 2000);
	t->converged = over(&m, e);
	t->passes = m.passes;
	t->blackout_ms = blackout_ms(&m, e);
	t->total_s = m.now_s + t->blackout_ms / 1e3;
	t->rest_s += t->total_s;
}

/* --- errors --------------------------------------------------------------- */

#ifdef VMFERRY_VALGRIND
enum { TRIALS = 40 };
#else
enum { TRIALS = 4000 }; /* of each kind */
#endif
enum { LONG_PASSES = 6 };

struct errors {
	double total[TRIALS * KINDS], rest[TRIALS * KINDS],
		blackout[TRIALS * KINDS];
	size_t n; /* long cases */
	size_t verdicts, right, nevers, needless, late;
	size_t covered_s, covered_ms; /* truth not above p90 */
};

/* All but the skewed, whose curves no table of the code has: a bar apart. */
static struct errors by_kind[KINDS], all;

/* A switch that was forecast never to come is wrong by all of it. */
static void note_long(struct errors *r, const struct trial *t)
{
	double off_s = fabs(t->forecast_s - t->total_s);
	double off_ms = fabs(t->f.blackout_ms.p50 - t->blackout_ms);

	if (t->never_said)
		off_s = t->rest_s;
	r->total[r->n] = t->never_said ? 1 : off_s / t->total_s;
	r->rest[r->n] = t->never_said ? 1 : off_s / t->rest_s;
	r->blackout[r->n] = off_ms <= 5 ? 0 : off_ms / t->blackout_ms;
	r->n++;
	r->covered_s += t->rest_s <= t->f.seconds.p90 + 1e-3;
	r->covered_ms += t->blackout_ms <= t->f.blackout_ms.p90 + 5;
}

static void note(struct errors *r, const struct trial *t)
{
	r->verdicts++;
	r->right += t->never_said != t->converged;
	r->nevers += !t->converged;
	r->needless += t->never_said && t->converged;
	r->late += !t->never_said && !t->converged;
	if (t->converged && t->passes >= LONG_PASSES)
		note_long(r, t);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts @v. */
static double quantile(double *v, size_t n, double part)
{
	qsort(v, n, sizeof(*v), ascending);
	return n ? v[(size_t)(part * (double)(n - 1))] : 0;
}

static double verdicts_right(const struct errors *r)
{
	return (double)r->right / (double)r->verdicts;
}

static void print_row(const char *name, struct errors *r)
{
	double n = fmax((double)r->n, 1) / 100;

	print_message(
		"%-9s %5zu %6.3f %6.3f %6.3f %6.3f %6.3f %6.3f %4.0f%% "
		"%4.0f%% %6zu %6.4f %5zu %5zu %5zu\n",
		name, r->n, quantile(r->total, r->n, 0.5),
		quantile(r->total, r->n, 0.9), quantile(r->rest, r->n, 0.5),
		quantile(r->rest, r->n, 0.9), quantile(r->blackout, r->n, 0.5),
		quantile(r->blackout, r->n, 0.9), (double)r->covered_s / n,
		(double)r->covered_ms / n, r->verdicts, verdicts_right(r),
		r->nevers, r->needless, r->late);
}

static void print_table(void)
{
	print_message("guests       n total    p90   rest    p90  black    p90 "
		      "s<p90 b<p90 judged right never: not-so unsaid\n");
	for (int k = 0; k < KINDS; k++)
		print_row(kind_names[k], &by_kind[k]);
	print_row("all", &all);
}

static int run_trials(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < TRIALS; i++)
		for (int k = 0; k < KINDS; k++) {
			struct example e = make_example((enum kind)k, i);
			struct trial t;

			run_trial(&e, &t);
			if (!t.forecast_made)
				continue;
			note(&by_kind[k], &t);
			if (k != SKEWED)
				note(&all, &t);
		}
	print_table();
	return 0;
}

TEST_GROUP_FIXTURE(run_trials, NULL);

static void assert_at_most(double found, double bar)
{
	if (found <= bar)
		return;
	print_table();
	fail_msg("%.3f, and the bar is %.3f", found, bar);
}

/* --- claims about thousands of guests ------------------------------------- */

TEST(there_are_enough_long_cases)
{
	assert_true(all.n > TRIALS);
	for (int k = 0; k < KINDS; k++)
		assert_true(by_kind[k].n > TRIALS / 5);
}

static void assert_total_time(struct errors *r)
{
	assert_at_most(quantile(r->total, r->n, 0.5), 0.1);
	assert_at_most(quantile(r->total, r->n, 0.9), 0.25);
}

TEST(total_time_is_right_within_a_tenth)
{
	assert_total_time(&all);
	assert_total_time(&by_kind[SKEWED]);
}

static void assert_time_left(struct errors *r)
{
	assert_at_most(quantile(r->rest, r->n, 0.5), 0.2);
	assert_at_most(quantile(r->rest, r->n, 0.9), 0.5);
}

TEST(time_left_is_right_within_a_fifth)
{
	assert_time_left(&all);
	assert_time_left(&by_kind[SKEWED]);
}

static void assert_blackout(struct errors *r)
{
	assert_at_most(quantile(r->blackout, r->n, 0.5), 0.2);
	assert_at_most(quantile(r->blackout, r->n, 0.9), 0.4);
}

TEST(blackout_is_right_within_a_fifth)
{
	assert_blackout(&all);
	assert_blackout(&by_kind[SKEWED]);
}

TEST(never_is_right_nineteen_times_in_twenty)
{
	assert_at_most(1 - verdicts_right(&all), 0.05);
	assert_at_most(1 - verdicts_right(&by_kind[SKEWED]), 0.05);
}

/*
 * What rests now and then cannot be seen in three passes: it is let through
 * in a quiet moment that nobody foresaw, sooner and with less than was
 * forecast.
 */
TEST(few_exceed_the_p90)
{
	for (int k = 0; k < KINDS; k++) {
		const struct errors *r = &by_kind[k];
		double n = (double)r->n;

		assert_at_most(1 - (double)r->covered_s / n, 0.25);
		assert_at_most(1 - (double)r->covered_ms / n, 0.15);
	}
}

/* --- claims about one ----------------------------------------------------- */

static struct curve curve;
static const double link_bps = 100e6;
static const double ram = 8e9;

static const struct forecast_setting usual = {
	.bandwidth_bps = 100e6,
	.final_bps = 100e6,
	.overhead_s = 0.01,
	.fixed_ms = 20,
	.hold_ms = 1,
	.budget_ms = 300,
	.shrink = 1,
};

/* What the third pass of a guest left that writes as @pattern. */
static double learn_pattern(enum kind pattern, double rate_bps, double set)
{
	struct guest g = { .pattern = pattern,
			   .rate_bps = rate_bps,
			   .set_bytes = set };
	double left = ram;

	curve_init(&curve, ram);
	for (int i = 0; i < known_passes; i++) {
		double seconds = usual.overhead_s + left / link_bps;

		left = distinct(&g, seconds);
		curve_add(&curve, seconds, left);
	}
	return left;
}

static double learn(double rate_bps, double set)
{
	return learn_pattern(LINEAR, rate_bps, set);
}

static struct forecast run(double left, const struct forecast_setting *s)
{
	struct forecast_start from = { .left_bytes = left };
	struct forecast f;

	forecast_run(&curve, &from, s, &f);
	return f;
}

TEST(a_slow_guest_converges)
{
	struct forecast f = run(learn(30e6, 1e9), &usual);

	assert_true(f.p_converge >= 0.99);
	assert_true(f.blackout_ms.p50 < 40);
	assert_true(f.seconds.p50 > 0 && f.seconds.p50 <= f.seconds.p90);
}

TEST(a_fast_guest_never_does)
{
	struct forecast f = run(learn(300e6, 1e9), &usual);

	assert_true(f.p_converge < 0.01);
	assert_true(isnan(f.seconds.p50) && isnan(f.bytes.p90));
	assert_true(isnan(f.passes));
	/* a switch at the fixed point: the working set over the link */
	assert_true(fabs(f.blackout_ms.p50 - 10020) < 500);
}

TEST(more_bandwidth_takes_no_longer)
{
	double left = learn(60e6, 1e9), last = INFINITY;

	for (double bps = 80e6; bps < 1e9; bps *= 1.5) {
		struct forecast_setting s = usual;
		struct forecast f;

		s.bandwidth_bps = s.final_bps = bps;
		f = run(left, &s);
		assert_true(f.seconds.p50 <= last);
		last = f.seconds.p50;
	}
}

TEST(a_throttle_makes_a_fast_guest_converge)
{
	struct forecast_setting s = usual;
	double left = learn_pattern(UNIFORM, 150e6, 1e9);

	assert_true(run(left, &s).p_converge < 0.1);
	s.throttle = 0.9;
	assert_true(run(left, &s).p_converge > 0.7);
}

TEST(a_deadline_before_the_end_is_missed)
{
	struct forecast_setting s = usual;
	double left = learn(30e6, 1e9);

	s.deadline_s = run(left, &usual).seconds.p50 / 4;
	assert_true(run(left, &s).p_converge == 0);
	s.deadline_s *= 40;
	assert_true(run(left, &s).p_converge >= 0.99);
}

TEST(what_fits_through_the_gate_switches_at_once)
{
	struct forecast f;

	learn(30e6, 1e9);
	f = run(50e3, &usual);
	assert_true(f.passes == 0);
	assert_true(fabs(f.blackout_ms.p90 - 20.5) < 1e-6);
	assert_true(fabs(f.bytes.p50 - 50e3) < 1e-6);
}

TEST(nothing_switches_within_the_first_pass)
{
	struct forecast_start from = { .left_bytes = 50e3, .first_pass = true };
	struct forecast f;

	learn(30e6, 1e9);
	forecast_run(&curve, &from, &usual, &f);
	assert_true(f.passes >= 1);
}

TEST(what_was_dirtied_before_counts_for_a_pass_under_way)
{
	struct forecast_start from = { .left_bytes = 10e6 };
	struct forecast fresh, under_way;

	learn(60e6, 1e9);
	forecast_run(&curve, &from, &usual, &fresh);
	from.pass_s = 5;
	forecast_run(&curve, &from, &usual, &under_way);
	assert_true(under_way.seconds.p50 > fresh.seconds.p50 + 2);
}

TEST(passes_already_stuck_are_not_waited_for_again)
{
	struct forecast_start from = { .left_bytes = learn(300e6, 10e6) };
	struct forecast first, last;

	forecast_run(&curve, &from, &usual, &first);
	from.stuck = FORECAST_STUCK - 1;
	forecast_run(&curve, &from, &usual, &last);
	assert_true(last.passes == first.passes - (FORECAST_STUCK - 1));
}

TEST(what_shrinks_takes_less_of_the_link)
{
	struct forecast_setting s = usual;
	double left = learn(30e6, 1e9);

	s.shrink = 0.25;
	assert_true(run(left, &s).bytes.p50 <
		    run(left, &usual).bytes.p50 * 0.26);
	assert_true(run(left, &s).seconds.p50 < run(left, &usual).seconds.p50);
}

TEST(a_guest_too_fast_converges_by_shrinking)
{
	struct forecast_setting s = usual;

	curve_init(&curve, ram);
	for (int i = 1; i <= 16; i *= 2)
		curve_add(&curve, 0.25 * i, 150e6 * 0.25 * i);
	assert_true(run(1e9, &usual).p_converge < FORECAST_NEVER);
	s.shrink = 0.1;
	assert_true(run(1e9, &s).p_converge > 0.9);
}

TEST(the_first_two_passes_do_not_shrink)
{
	struct forecast_start from = { .left_bytes = ram, .first_pass = true };
	struct forecast_setting s = usual;
	struct forecast f;

	learn(30e6, 1e9);
	s.shrink = 0.01;
	forecast_run(&curve, &from, &s, &f);
	assert_true(f.bytes.p50 > ram + 0.5e9);
}

TEST(once_it_fits_less_is_not_waited_for_long)
{
	struct forecast_start begin = { .left_bytes = 1e8, .first_pass = true };
	struct forecast_start later = { .left_bytes = 1e8 };
	struct forecast waits, switches;
	struct guest g = { .pattern = UNIFORM,
			   .rate_bps = 95e6,
			   .set_bytes = 100e6 };

	curve_init(&curve, ram);
	for (int i = 1; i <= 64; i *= 2)
		curve_add(&curve, 0.05 * i, distinct(&g, 0.05 * i));
	forecast_run(&curve, &later, &usual, &waits);
	forecast_run(&curve, &begin, &usual, &switches);
	assert_true(waits.p_converge > 0.9 && switches.p_converge > 0.9);
	assert_true(switches.passes < waits.passes);
	assert_true(switches.blackout_ms.p90 <= usual.budget_ms);
}

TEST(is_the_same_again)
{
	double left = learn(60e6, 1e9);
	struct forecast a = run(left, &usual), b = run(left, &usual);

	assert_memory_equal(&a, &b, sizeof(a));
}

TEST(nothing_is_said_of_an_unknown_guest)
{
	struct forecast f;

	curve_init(&curve, ram);
	f = run(1e9, &usual);
	assert_true(f.p_converge == 0);
	assert_true(isnan(f.blackout_ms.p50) && isnan(f.seconds.p90));
}

/* --- remedies ------------------------------------------------------------- */

/* Whether it converges with so much of a remedy. */
static bool enough(double left, double *lever, struct forecast_setting *s,
		   double value)
{
	*lever = value;
	s->final_bps = s->bandwidth_bps;
	return run(left, s).p_converge >= 1 - FORECAST_RISK;
}

TEST(every_remedy_helps_and_hardly_less_would)
{
	double left = learn_pattern(UNIFORM, 150e6, 1e9);
	struct forecast_start from = { .left_bytes = left };
	struct forecast_setting a = usual, b = usual, c = usual;
	struct forecast_remedy r;

	forecast_remedies(&curve, &from, &usual, &r);
	assert_true(enough(left, &a.bandwidth_bps, &a, r.bandwidth_bps));
	assert_false(enough(left, &a.bandwidth_bps, &a, r.bandwidth_bps * 0.9));
	assert_true(enough(left, &b.budget_ms, &b, r.budget_ms));
	assert_false(enough(left, &b.budget_ms, &b, r.budget_ms * 0.9));
	assert_true(enough(left, &c.throttle, &c, r.throttle));
	assert_false(enough(left, &c.throttle, &c, r.throttle * 0.9));
}

/* By as much as its doubt is large, and no more. */
TEST(remedies_carry_the_doubt_of_the_link)
{
	double left = learn_pattern(UNIFORM, 150e6, 1e9);
	struct forecast_start from = { .left_bytes = left };
	struct forecast_setting s = usual;
	struct forecast_remedy sure, unsure;
	double slower = exp(FORECAST_DOUBT * 0.1);

	forecast_remedies(&curve, &from, &s, &sure);
	s.link_sigma = 0.1;
	forecast_remedies(&curve, &from, &s, &unsure);
	assert_true(unsure.budget_ms > sure.budget_ms * 1.2);
	assert_true(unsure.throttle > sure.throttle);
	assert_true(fabs(unsure.bandwidth_bps / sure.bandwidth_bps / slower -
			 1) < 0.01);
	s.bandwidth_bps /= slower;
	s.final_bps = s.bandwidth_bps;
	s.link_sigma = 0;
	assert_true(enough(left, &s.budget_ms, &s, unsure.budget_ms));
	assert_false(enough(left, &s.budget_ms, &s, unsure.budget_ms * 0.9));
}

TEST(remedies_carry_the_doubt_of_the_fixed_cost)
{
	struct forecast_start from = { .left_bytes = learn(300e6, 10e6) };
	struct forecast_setting s = usual;
	struct forecast_remedy sure, unsure;

	s.budget_ms = 50;
	s.fixed_ms = 20;
	forecast_remedies(&curve, &from, &s, &sure);
	s.fixed_worst_ms = 60;
	forecast_remedies(&curve, &from, &s, &unsure);
	assert_true(fabs(unsure.budget_ms - sure.budget_ms - 40) < 2);
}

TEST(a_forecast_itself_does_not_count_the_doubt)
{
	double left = learn(60e6, 1e9);
	struct forecast_setting s = usual;
	struct forecast a = run(left, &s), b;

	s.link_sigma = 0.3;
	s.fixed_worst_ms = 100;
	b = run(left, &s);
	assert_memory_equal(&a, &b, sizeof(a));
}

TEST(few_measurements_scatter_as_is_usual)
{
	const double one[] = { 40e6 };

	assert_true(fabs(forecast_scatter(NULL, 0, 0.07) - 0.07) < 1e-9);
	assert_true(fabs(forecast_scatter(one, 1, 0.07) - 0.07) < 1e-9);
}

TEST(many_measurements_scatter_as_they_do)
{
	double v[200];

	start_with(10);
	for (size_t i = 0; i < 200; i++)
		v[i] = 40e6 * exp(0.15 * normal());
	assert_true(fabs(forecast_scatter(v, 200, 0.07) / 0.15 - 1) < 0.15);
	for (size_t i = 0; i < 200; i++)
		v[i] = 40e6;
	assert_true(forecast_scatter(v, 200, 0.07) < 0.015);
}

TEST(what_was_not_measured_does_not_count)
{
	const double v[] = { 0, 40e6, NAN, -1, 44e6, INFINITY };
	const double predicted[] = { 40e6, 44e6 };

	assert_true(forecast_scatter(v, 6, 0.07) ==
		    forecast_scatter(predicted, 2, 0.07));
}

TEST(what_converges_needs_no_remedy)
{
	struct forecast_start from = { .left_bytes = learn(30e6, 1e9) };
	struct forecast_remedy r;

	forecast_remedies(&curve, &from, &usual, &r);
	assert_true(r.bandwidth_bps == usual.bandwidth_bps);
	assert_true(r.budget_ms == usual.budget_ms);
	assert_true(r.throttle == usual.throttle);
}

TEST(a_deadline_in_the_past_has_no_remedy)
{
	struct forecast_start from = { .left_bytes = learn(300e6, 200e6),
				       .first_pass = true };
	struct forecast_setting s = usual;
	struct forecast_remedy r;

	s.deadline_s = 1e-9;
	forecast_remedies(&curve, &from, &s, &r);
	assert_true(r.bandwidth_bps == 0);
	assert_true(r.budget_ms == 0);
	assert_true(r.throttle == 0);
}

/* --- the link ------------------------------------------------------------- */

TEST(a_link_is_unknown_before_its_first_pass)
{
	struct forecast_link l = { .n = 0 };

	assert_false(forecast_link_known(&l));
	forecast_link_add(&l, 0, 1);
	forecast_link_add(&l, 1e6, 0);
	forecast_link_add(&l, NAN, NAN);
	assert_false(forecast_link_known(&l));
	assert_true(forecast_link_bps(&l) == 0);
	assert_true(forecast_link_overhead_s(&l) == 0);
}

TEST(one_long_pass_gives_the_bandwidth)
{
	struct forecast_link l = { .n = 0 };

	forecast_link_add(&l, 100e6 * 50, 50.04);
	assert_true(fabs(forecast_link_bps(&l) / 100e6 - 1) < 0.01);
}

TEST(long_and_short_passes_give_the_overhead)
{
	struct forecast_link l = { .n = 0 };

	for (int i = 0; i < 8; i++)
		forecast_link_add(&l, 8e9 / (1 << 2 * i),
				  0.06 + 80.0 / (1 << 2 * i));
	assert_true(fabs(forecast_link_overhead_s(&l) - 0.06) < 0.002);
	assert_true(fabs(forecast_link_bps(&l) / 100e6 - 1) < 0.01);
}

TEST(an_overhead_is_never_negative)
{
	struct forecast_link l = { .n = 0 };

	forecast_link_add(&l, 8e9, 80);
	forecast_link_add(&l, 1e6, 0.001);
	assert_true(forecast_link_overhead_s(&l) >= 0);
	assert_true(forecast_link_bps(&l) > 0);
}

TEST(a_link_that_slows_down_is_followed)
{
	struct forecast_link l = { .n = 0 };

	for (int i = 0; i < 5; i++)
		forecast_link_add(&l, 100e6, 1);
	for (int i = 0; i < 12; i++)
		forecast_link_add(&l, 100e6, 2);
	assert_true(fabs(forecast_link_bps(&l) / 50e6 - 1) < 0.15);
}

/* --- anything ------------------------------------------------------------- */

/* Any sign and size, and what is not a number. */
static double anything(void)
{
	static const double odd[] = { 0, -1, NAN, INFINITY, -INFINITY, 1 };
	double x = between(0, 1);

	if (x < 0.2)
		return odd[(int)(x * 30)];
	return exp(between(-700, 700));
}

static void assert_said_or_unknown(const struct forecast *f)
{
	bool none = f->p_converge <= 0;

	assert_true(f->p_converge >= 0 && f->p_converge <= 1);
	assert_true(none == isnan(f->seconds.p50));
	assert_true(none == isnan(f->seconds.p90));
	assert_true(none == isnan(f->bytes.p50));
	assert_true(none == isnan(f->passes));
	assert_true(none || !isnan(f->blackout_ms.p90));
}

TEST(no_input_makes_it_say_nonsense)
{
	start_with(7);
	for (int i = 0; i < 1000; i++) {
		struct forecast_start from = {
			.left_bytes = anything(),
			.pass_s = anything(),
			.best_bytes = anything(),
			.first_pass = i % 2,
			.stuck = i % 5,
		};
		struct forecast_setting s = {
			.bandwidth_bps = anything(),
			.final_bps = anything(),
			.overhead_s = anything(),
			.fixed_ms = anything(),
			.hold_ms = anything(),
			.budget_ms = anything(),
			.deadline_s = anything(),
			.throttle = anything(),
			.shrink = anything(),
			.link_sigma = anything(),
			.fixed_worst_ms = anything(),
		};
		struct forecast f;

		curve_init(&curve, anything());
		for (int k = 0; k < 3; k++)
			curve_add(&curve, anything(), anything());
		forecast_run(&curve, &from, &s, &f);
		assert_said_or_unknown(&f);
	}
}

TEST(no_remedy_is_nonsense)
{
	start_with(8);
	for (int i = 0; i < 30; i++) {
		struct forecast_start from = { .left_bytes = anything() };
		struct forecast_setting s = {
			.bandwidth_bps = anything(),
			.budget_ms = anything(),
			.throttle = anything(),
			.link_sigma = anything(),
			.fixed_worst_ms = anything(),
		};
		struct forecast_remedy r;

		learn(exp(between(10, 25)), exp(between(10, 25)));
		forecast_remedies(&curve, &from, &s, &r);
		assert_true(r.bandwidth_bps >= 0);
		assert_true(r.throttle >= 0 &&
			    r.throttle <= POLICY_THROTTLE_MAX);
		assert_false(isnan(r.budget_ms));
	}
}

TEST(no_pass_makes_the_link_nonsense)
{
	start_with(9);
	for (int i = 0; i < 1000; i++) {
		struct forecast_link l = { .n = 0 };

		for (int k = 0; k < 4; k++)
			forecast_link_add(&l, anything(), anything());
		assert_true(isfinite(forecast_link_bps(&l)));
		assert_true(forecast_link_bps(&l) > 0 ||
			    !forecast_link_known(&l));
		assert_true(isfinite(forecast_link_overhead_s(&l)));
		assert_true(forecast_link_overhead_s(&l) >= 0);
	}
}
