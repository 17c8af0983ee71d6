/* SPDX-License-Identifier: MIT */
/* estimate_judge: from what was measured to table, verdict and advice; pure. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "qmp/json_fields.h"
#include "engine/estimate/estimate.h"
#include "engine/policy/policy.h"
#include "qmp/json.h"
#include "transport/base/xalloc.h"

/* A probe may find this many times the bandwidth that migrations found. */
static const double lucky = 1.1;
/* Connecting, the launch of a QEMU and the source's end, on two near hosts. */
static const double setup_s = 0.4;
/* A stronger throttle is not advised: the guest would hardly run any more. */
static const double harsh_throttle = 0.8;

static const char *const link_names[] = {
	[ESTIMATE_LINK_MEASURED] = "measured",
	[ESTIMATE_LINK_LEARNT] = "learnt",
	[ESTIMATE_LINK_GIVEN] = "given",
	[ESTIMATE_LINK_ASSUMED] = "assumed",
};
static_assert(ARRAY_SIZE(link_names) == ESTIMATE_LINKS, "a name for each");

static const char *const verdict_names[] = {
	[ESTIMATE_CONVERGES] = "converges",
	[ESTIMATE_UNSURE] = "unsure",
	[ESTIMATE_NEVER] = "never",
	[ESTIMATE_UNKNOWN] = "unknown",
};
static_assert(ARRAY_SIZE(verdict_names) == ESTIMATE_VERDICTS,
	      "a name for each");

const char *estimate_link_name(enum estimate_link l)
{
	assert(l < ESTIMATE_LINKS);
	return link_names[l];
}

const char *estimate_verdict_name(enum estimate_verdict v)
{
	assert(v < ESTIMATE_VERDICTS);
	return verdict_names[v];
}

/* --- forecasts ----------------------------------------------------------- */

/*
 * Sampling misses what is rewritten with the same bytes and scatters: it counts
 * where there are no passes, or only few.
 */
static void learn(struct estimate *est)
{
	est->curve = XNEW(struct curve);
	curve_init(est->curve, est->ram_bytes);
	for (size_t i = 0; i < est->seen.n; i++) {
		const struct rehearse_point *p = &est->seen.v[i];

		if (!p->sampled || est->seen.passes < 2)
			curve_add(est->curve, p->seconds, p->bytes);
	}
}

/* How much what is advised depends on the day it was measured. */
static void doubt(struct estimate *est)
{
	double v[LESSONS_KEPT];
	size_t n = lessons_links_bps(&est->pair, v);

	est->link_sigma = fmax(forecast_scatter(v, n, FORECAST_PRIOR_LINK),
			       est->link_sigma);
	est->fixed_worst_ms =
		fmax(lessons_worst_fixed_ms(&est->pair), 2 * POLICY_FIXED_MS);
}

/*
 * What migrations taught. What is usual counts as one of them, so that a first
 * one that met a busy host is not believed alone.
 */
static void compute(struct estimate *est)
{
	const struct lesson usual = { POLICY_FIXED_MS, POLICY_OVERHEAD_S * 1e3,
				      0 };
	struct lesson l = lessons_likely(&est->pair, &usual);

	if (est->link == ESTIMATE_LINK_ASSUMED)
		est->link_bps = POLICY_GIGABIT_BPS;
	if (est->link == ESTIMATE_LINK_MEASURED && l.link_bps > 0 &&
	    l.link_bps * lucky < est->link_bps) {
		est->link_bps = l.link_bps * lucky;
		est->link = ESTIMATE_LINK_LEARNT;
	}
	est->fixed_ms = l.fixed_ms;
	est->overhead_ms = l.overhead_ms;
	doubt(est);
}

static double effective_bps(const struct estimate *est)
{
	return est->cap_bps > 0 ? fmin(est->cap_bps, est->link_bps)
				: est->link_bps;
}

static struct forecast_start start_of(const struct estimate *est)
{
	double share = est->seen.wire_share;

	return (struct forecast_start){
		.left_bytes =
			est->ram_bytes * (isfinite(share) ? fmin(share, 1) : 1),
		.first_pass = true,
	};
}

static struct forecast_setting setting_of(const struct estimate *est,
					  double bps, double final_bps,
					  double budget_ms)
{
	return (struct forecast_setting){
		.bandwidth_bps = bps,
		.final_bps = final_bps,
		.overhead_s = est->overhead_ms / 1e3,
		.fixed_ms = est->fixed_ms,
		.hold_ms = POLICY_HOLD_MS,
		.budget_ms = budget_ms,
		.deadline_s = est->deadline_s > 0
				      ? fmax(est->deadline_s - setup_s, 0.001)
				      : 0,
		.shrink = 1,
		.link_sigma = est->link_sigma,
		.fixed_worst_ms = est->fixed_worst_ms,
	};
}

/* Of a whole run, of which copying is only most. */
static void foresee(const struct estimate *est,
		    const struct forecast_setting *s, struct forecast *out)
{
	struct forecast_start from = start_of(est);

	forecast_run(est->curve, &from, s, out);
	out->seconds.p50 += setup_s;
	out->seconds.p90 += setup_s;
}

/* The asked one among the usual ones, in order. */
static void choose_budgets(struct estimate *est)
{
	static const double usual[] = { 30, 100, 300, 1000 };
	bool placed = false;

	for (size_t i = 0; i <= ARRAY_SIZE(usual); i++) {
		bool end = i == ARRAY_SIZE(usual);

		if (!placed && (end || est->budget_ms <= usual[i])) {
			est->budgets_ms[est->n_budgets++] = est->budget_ms;
			placed = true;
		}
		if (!end && usual[i] != est->budget_ms)
			est->budgets_ms[est->n_budgets++] = usual[i];
	}
}

/* Around a link that is known; else links as one has them. */
static void choose_rates(struct estimate *est)
{
	static const double usual[] = { 12e6, POLICY_GIGABIT_BPS, 295e6,
					1.18e9 };
	static const double around[] = { 0.25, 0.5, 1, 2 };
	bool known = est->link != ESTIMATE_LINK_ASSUMED;
	size_t n = known ? ARRAY_SIZE(around) : ARRAY_SIZE(usual);

	for (size_t i = 0; i < n; i++)
		est->rows[est->n_rows++].bandwidth_bps =
			known ? effective_bps(est) * around[i] : usual[i];
}

static void fill_table(struct estimate *est)
{
	for (size_t i = 0; i < est->n_rows; i++) {
		struct estimate_row *row = &est->rows[i];

		for (size_t k = 0; k < est->n_budgets; k++) {
			struct forecast_setting s = setting_of(
				est, row->bandwidth_bps, row->bandwidth_bps,
				est->budgets_ms[k]);

			foresee(est, &s, &row->cell[k]);
		}
	}
}

/* The asked one again, with what differences would make of it. */
static bool converges_by_xbzrle(const struct estimate *est,
				const struct forecast_setting *asked)
{
	struct forecast_setting s = *asked;
	struct forecast f;

	if (!est->xbzrle.pays || !est->xbzrle.cache_bytes)
		return false;
	s.shrink = est->xbzrle.shrink;
	s = forecast_doubted(&s);
	foresee(est, &s, &f);
	return f.p_converge >= 1 - FORECAST_RISK;
}

/* --- words --------------------------------------------------------------- */

static enum estimate_verdict verdict_of(const struct forecast *f)
{
	if (f->p_converge >= ESTIMATE_CERTAIN)
		return ESTIMATE_CONVERGES;
	return f->p_converge < FORECAST_NEVER ? ESTIMATE_NEVER
					      : ESTIMATE_UNSURE;
}

static char *say(const struct estimate *est)
{
	const struct forecast *f = &est->asked;
	double mbps = effective_bps(est) / 1e6;

	switch (est->verdict) {
	case ESTIMATE_CONVERGES:
		return xasprintf("At %.4g MB/s it takes %.1f s (90 %%: up to "
				 "%.1f s) and stands still for %.0f ms (90 %%: "
				 "up to %.0f ms), within the budget of %.15g "
				 "ms.",
				 mbps, f->seconds.p50, f->seconds.p90,
				 f->blackout_ms.p50, f->blackout_ms.p90,
				 est->budget_ms);
	case ESTIMATE_UNSURE:
		return xasprintf(
			"At %.4g MB/s within %.15g ms it may get there "
			"(%.0f %%), in about %.1f s; what was seen of "
			"the guest does not tell.",
			mbps, est->budget_ms, f->p_converge * 100,
			f->seconds.p50);
	case ESTIMATE_NEVER:
		return xasprintf(
			"Never at %.4g MB/s within %.15g ms: the guest "
			"would have to stand still for about %.0f ms.",
			mbps, est->budget_ms, f->blackout_ms.p50);
	default:
		return xstrdup("Nothing could be seen of how the guest writes, "
			       "so nothing can be known.");
	}
}

/* The gentlest first; what a figure rounds to must still be enough. */
static char *advise(const struct estimate *est)
{
	const struct forecast_remedy *r = &est->remedy;
	AUTO_STRV struct strv ways = { 0 };
	AUTO_FREE char *all = NULL;

	if (est->verdict != ESTIMATE_NEVER && est->verdict != ESTIMATE_UNSURE)
		return NULL;
	if (est->xbzrle_helps)
		strv_push(&ways, "--xbzrle on");
	if (est->cap_bps > 0 && r->bandwidth_bps > 0 &&
	    r->bandwidth_bps <= est->link_bps)
		strv_pushf(&ways, "--bandwidth %.0fM",
			   ceil(r->bandwidth_bps / 1e6));
	if (r->budget_ms > 0)
		strv_pushf(&ways, "--max-blackout %.0f", ceil(r->budget_ms));
	if (r->throttle > 0 && r->throttle <= harsh_throttle)
		strv_pushf(&ways, "--throttle %.0f", ceil(r->throttle * 100));
	if (r->bandwidth_bps > 0 &&
	    (est->cap_bps <= 0 || r->bandwidth_bps > est->link_bps))
		strv_pushf(&ways, "a link of %.0f MB/s",
			   ceil(r->bandwidth_bps / 1e6));
	if (!ways.n)
		return NULL;
	all = strv_join(&ways, ", or ");
	return xasprintf("It would take %s.", all);
}

void estimate_judge(struct estimate *est)
{
	struct forecast_start from = start_of(est);
	struct forecast_setting s;

	compute(est);
	learn(est);
	choose_budgets(est);
	choose_rates(est);
	if (curve_known(est->curve)) {
		s = setting_of(est, effective_bps(est), est->link_bps,
			       est->budget_ms);
		fill_table(est);
		foresee(est, &s, &est->asked);
		forecast_remedies(est->curve, &from, &s, &est->remedy);
		est->verdict = verdict_of(&est->asked);
		est->xbzrle_helps = est->verdict != ESTIMATE_CONVERGES &&
				    converges_by_xbzrle(est, &s);
	}
	est->sentence = say(est);
	est->advice = advise(est);
}

/* --- JSON ---------------------------------------------------------------- */

static struct json_object *spread(const struct spread *s, double unit,
				  int digits)
{
	struct json_object *o = json_new();

	o = json_add_num(o, "p50", s->p50 * unit, digits);
	return json_add_num(o, "p90", s->p90 * unit, digits);
}

static struct json_object *cell(double bps, double budget_ms,
				const struct forecast *f)
{
	struct json_object *o = json_new();

	o = json_add_num(o, "bandwidth_bps", bps, 0);
	o = json_add_num(o, "max_blackout_ms", budget_ms, 3);
	o = json_add_bool(o, "converges", f->p_converge >= FORECAST_NEVER);
	o = json_add_num(o, "p_converge", f->p_converge, 3);
	o = json_add_sub(o, "total_ms", spread(&f->seconds, 1e3, 0));
	o = json_add_sub(o, "blackout_ms", spread(&f->blackout_ms, 1, 1));
	o = json_add_sub(o, "bytes", spread(&f->bytes, 1, 0));
	return json_add_num(o, "passes", f->passes, 1);
}

static struct json_object *curve_json(const struct estimate *est)
{
	static const double times[ESTIMATE_TIMES] = { 0.1, 0.3, 1,  3,
						      10,  30,	100 };
	struct json_object *all = json_object_new_array();

	for (size_t i = 0;
	     est->curve && curve_known(est->curve) && i < ESTIMATE_TIMES; i++) {
		double d = curve_at(est->curve, times[i]);
		double s = curve_sigma(est->curve, times[i]);
		struct json_object *p = json_new();

		p = json_add_num(p, "seconds", times[i], 3);
		p = json_add_num(p, "bytes", d, 0);
		p = json_add_num(p, "low", d * exp(-s), 0);
		p = json_add_num(p, "high", fmin(d * exp(s), est->ram_bytes),
				 0);
		json_object_array_add(all, p);
	}
	return all;
}

static struct json_object *points_json(const struct rehearsal *seen)
{
	struct json_object *all = json_object_new_array();

	for (size_t i = 0; i < seen->n; i++) {
		struct json_object *p = json_new();

		p = json_add_num(p, "seconds", seen->v[i].seconds, 4);
		p = json_add_num(p, "bytes", seen->v[i].bytes, 0);
		p = json_add_str(p, "from",
				 seen->v[i].sampled ? "sample" : "pass");
		json_object_array_add(all, p);
	}
	return all;
}

static struct json_object *table_json(const struct estimate *est)
{
	struct json_object *all = json_object_new_array();

	for (size_t i = 0; est->verdict != ESTIMATE_UNKNOWN && i < est->n_rows;
	     i++) {
		for (size_t k = 0; k < est->n_budgets; k++)
			json_object_array_add(all,
					      cell(est->rows[i].bandwidth_bps,
						   est->budgets_ms[k],
						   &est->rows[i].cell[k]));
	}
	return all;
}

static struct json_object *remedy_json(const struct estimate *all)
{
	const struct forecast_remedy *r = &all->remedy;
	struct json_object *o = json_new();

	o = json_add_bool(o, "xbzrle", all->xbzrle_helps);
	o = json_add_num(o, "max_blackout_ms",
			 r->budget_ms > 0 ? r->budget_ms : NAN, 1);
	o = json_add_num(o, "throttle", r->throttle > 0 ? r->throttle : NAN, 3);
	return json_add_num(o, "bandwidth_bps",
			    r->bandwidth_bps > 0 ? r->bandwidth_bps : NAN, 0);
}

static struct json_object *xbzrle_json(const struct xbzrle_verdict *v)
{
	struct json_object *o = json_new();

	o = json_add_bool(o, "pays", v->pays);
	o = json_add_num(o, "shrink", v->shrink, 3);
	return json_add_str(o, "why", v->why);
}

/* The costs used in the computation, and where they are from. */
static struct json_object *costs_json(const struct estimate *est)
{
	struct json_object *c = json_new();

	c = json_add_str(c, "from", est->pair.n ? "learnt" : "assumed");
	c = json_add_u64(c, "migrations", est->pair.n);
	c = json_add_num(c, "pass_ms", est->overhead_ms, 1);
	return json_add_num(c, "switchover_ms", est->fixed_ms, 1);
}

void estimate_to_json(const struct estimate *est, struct json_object *out)
{
	bool known = est->verdict != ESTIMATE_UNKNOWN;

	json_add_sub(out, "curve", curve_json(est));
	json_add_sub(out, "points", points_json(&est->seen));
	json_add_num(out, "bandwidth_bps",
		     est->link_bps > 0 ? est->link_bps : NAN, 0);
	json_fields_text(out, "bandwidth", estimate_link_name(est->link));
	json_add_sub(out, "costs", known ? costs_json(est) : NULL);
	json_add_num(out, "wire_share", est->seen.wire_share, 3);
	json_add_num(out, "stood_ms", est->seen.paused_ms, 3);
	json_add_sub(out, "table", table_json(est));
	json_add_sub(out, "asked",
		     known ? cell(effective_bps(est), est->budget_ms,
				  &est->asked)
			   : NULL);
	json_add_sub(out, "remedies", known ? remedy_json(est) : NULL);
	json_add_sub(out, "xbzrle",
		     est->sampled ? xbzrle_json(&est->xbzrle) : NULL);
	json_fields_text(out, "verdict", estimate_verdict_name(est->verdict));
	json_fields_text(out, "sentence", est->sentence);
	json_fields_text(out, "advice", est->advice);
	json_fields_text(out, "note", est->note);
}
