/* SPDX-License-Identifier: MIT */
/* outlook_judge: from what was measured to table, verdict and advice; pure. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "qmp/json_fields.h"
#include "engine/estimate/estimate.h"
#include "engine/policy/policy.h"
#include "qmp/json.h"
#include "transport/base/xalloc.h"

/* Of a pass besides copying, until learnt; as a live migration begins with. */
static const double assumed_overhead_ms = 20;
/* A migration got no more through: a probe may be lucky by this much. */
static const double lucky = 1.1;
/* Connecting, a QEMU over there, and the source's end: on two hosts nearby. */
static const double setup_s = 0.4;
static const double assumed_bps = 118e6; /* 1 Gbit/s less its headers */
/* More often than that it is called certain. */
static const double certain = 0.9;
/* Not looked upon as a remedy: the guest would hardly be one any more. */
static const double harsh_throttle = 0.8;

static const char *const link_names[] = {
	[OUTLOOK_LINK_MEASURED] = "measured",
	[OUTLOOK_LINK_LEARNT] = "learnt",
	[OUTLOOK_LINK_GIVEN] = "given",
	[OUTLOOK_LINK_ASSUMED] = "assumed",
};
static_assert(ARRAY_SIZE(link_names) == OUTLOOK_LINKS, "a name for each");

static const char *const verdict_names[] = {
	[OUTLOOK_CONVERGES] = "converges",
	[OUTLOOK_UNSURE] = "unsure",
	[OUTLOOK_NEVER] = "never",
	[OUTLOOK_UNKNOWN] = "unknown",
};
static_assert(ARRAY_SIZE(verdict_names) == OUTLOOK_VERDICTS, "a name for each");

const char *outlook_link_name(enum outlook_link l)
{
	assert(l < OUTLOOK_LINKS);
	return link_names[l];
}

const char *outlook_verdict_name(enum outlook_verdict v)
{
	assert(v < OUTLOOK_VERDICTS);
	return verdict_names[v];
}

/* --- forecasts ----------------------------------------------------------- */

/*
 * Sampling misses what is rewritten with the same bytes and scatters: it counts
 * where there are no passes, or only few.
 */
static void learn(struct outlook *o)
{
	o->curve = XNEW(struct curve);
	curve_init(o->curve, o->ram_bytes);
	for (size_t i = 0; i < o->seen.n; i++) {
		const struct rehearse_point *p = &o->seen.v[i];

		if (!p->sampled || o->seen.passes < 2)
			curve_add(o->curve, p->seconds, p->bytes);
	}
}

/*
 * What migrations taught. What is usual counts as one of them, so that a first
 * one that met a busy host is not believed alone.
 */
static void reckon(struct outlook *o)
{
	const struct pair_lesson usual = { POLICY_FIXED_MS, assumed_overhead_ms,
					   0 };
	struct pair_lesson l = pair_likely(&o->pair, &usual);

	if (o->link == OUTLOOK_LINK_ASSUMED)
		o->link_bps = assumed_bps;
	if (o->link == OUTLOOK_LINK_MEASURED && l.link_bps > 0 &&
	    l.link_bps * lucky < o->link_bps) {
		o->link_bps = l.link_bps * lucky;
		o->link = OUTLOOK_LINK_LEARNT;
	}
	o->fixed_ms = l.fixed_ms;
	o->overhead_ms = l.overhead_ms;
}

static double effective_bps(const struct outlook *o)
{
	return o->cap_bps > 0 ? fmin(o->cap_bps, o->link_bps) : o->link_bps;
}

static struct forecast_start start_of(const struct outlook *o)
{
	double share = o->seen.wire_share;

	return (struct forecast_start){
		.left_bytes =
			o->ram_bytes * (isfinite(share) ? fmin(share, 1) : 1),
		.first_pass = true,
	};
}

static struct forecast_setting setting_of(const struct outlook *o, double bps,
					  double final_bps, double budget_ms)
{
	return (struct forecast_setting){
		.bandwidth_bps = bps,
		.final_bps = final_bps,
		.overhead_s = o->overhead_ms / 1e3,
		.fixed_ms = o->fixed_ms,
		.hold_ms = POLICY_HOLD_MS,
		.budget_ms = budget_ms,
		.deadline_s = o->deadline_s > 0
				      ? fmax(o->deadline_s - setup_s, 0.001)
				      : 0,
		.shrink = 1,
	};
}

/* Of a whole run, of which copying is only most. */
static void foresee(const struct outlook *o, const struct forecast_setting *s,
		    struct forecast *out)
{
	struct forecast_start from = start_of(o);

	forecast_run(o->curve, &from, s, out);
	out->seconds.p50 += setup_s;
	out->seconds.p90 += setup_s;
}

/* The asked one among the usual ones, in order. */
static void choose_budgets(struct outlook *o)
{
	static const double usual[] = { 30, 100, 300, 1000 };
	bool placed = false;

	for (size_t i = 0; i <= ARRAY_SIZE(usual); i++) {
		bool end = i == ARRAY_SIZE(usual);

		if (!placed && (end || o->budget_ms <= usual[i])) {
			o->budgets_ms[o->n_budgets++] = o->budget_ms;
			placed = true;
		}
		if (!end && usual[i] != o->budget_ms)
			o->budgets_ms[o->n_budgets++] = usual[i];
	}
}

/* Around a link that is known; else links as one has them. */
static void choose_rates(struct outlook *o)
{
	static const double usual[] = { 12e6, 118e6, 295e6, 1.18e9 };
	static const double around[] = { 0.25, 0.5, 1, 2 };
	bool known = o->link != OUTLOOK_LINK_ASSUMED;
	size_t n = known ? ARRAY_SIZE(around) : ARRAY_SIZE(usual);

	for (size_t i = 0; i < n; i++)
		o->rows[o->n_rows++].bandwidth_bps =
			known ? effective_bps(o) * around[i] : usual[i];
}

static void fill_table(struct outlook *o)
{
	for (size_t i = 0; i < o->n_rows; i++) {
		struct outlook_row *row = &o->rows[i];

		for (size_t k = 0; k < o->n_budgets; k++) {
			struct forecast_setting s = setting_of(
				o, row->bandwidth_bps, row->bandwidth_bps,
				o->budgets_ms[k]);

			foresee(o, &s, &row->cell[k]);
		}
	}
}

/* The asked one again, with what differences would make of it. */
static bool converges_by_xbzrle(const struct outlook *o,
				const struct forecast_setting *asked)
{
	struct forecast_setting s = *asked;
	struct forecast f;

	if (!o->xbzrle.pays || !o->xbzrle.cache_bytes)
		return false;
	s.shrink = o->xbzrle.shrink;
	foresee(o, &s, &f);
	return f.p_converge >= certain;
}

/* --- words --------------------------------------------------------------- */

static enum outlook_verdict verdict_of(const struct forecast *f)
{
	if (f->p_converge >= certain)
		return OUTLOOK_CONVERGES;
	return f->p_converge < FORECAST_NEVER ? OUTLOOK_NEVER : OUTLOOK_UNSURE;
}

static char *say(const struct outlook *o)
{
	const struct forecast *f = &o->asked;
	double mbps = effective_bps(o) / 1e6;

	switch (o->verdict) {
	case OUTLOOK_CONVERGES:
		return xasprintf("At %.4g MB/s it takes %.1f s (90 %%: up to "
				 "%.1f s) and stands still for %.0f ms (90 %%: "
				 "up to %.0f ms), within the budget of %.15g "
				 "ms.",
				 mbps, f->seconds.p50, f->seconds.p90,
				 f->blackout_ms.p50, f->blackout_ms.p90,
				 o->budget_ms);
	case OUTLOOK_UNSURE:
		return xasprintf(
			"At %.4g MB/s within %.15g ms it may get there "
			"(%.0f %%), in about %.1f s; what was seen of "
			"the guest does not tell.",
			mbps, o->budget_ms, f->p_converge * 100,
			f->seconds.p50);
	case OUTLOOK_NEVER:
		return xasprintf(
			"Never at %.4g MB/s within %.15g ms: the guest "
			"would have to stand still for about %.0f ms.",
			mbps, o->budget_ms, f->blackout_ms.p50);
	default:
		return xstrdup("Nothing could be seen of how the guest writes, "
			       "so nothing can be told.");
	}
}

/* The gentlest first; what a figure rounds to must still be enough. */
static char *advise(const struct outlook *o)
{
	const struct forecast_remedy *r = &o->remedy;
	AUTO_STRV struct strv ways = { 0 };
	AUTO_FREE char *all = NULL;

	if (o->verdict != OUTLOOK_NEVER && o->verdict != OUTLOOK_UNSURE)
		return NULL;
	if (o->xbzrle_helps)
		strv_push(&ways, "--xbzrle on");
	if (o->cap_bps > 0 && r->bandwidth_bps > 0 &&
	    r->bandwidth_bps <= o->link_bps)
		strv_pushf(&ways, "--bandwidth %.0fM",
			   ceil(r->bandwidth_bps / 1e6));
	if (r->budget_ms > 0)
		strv_pushf(&ways, "--max-blackout %.0f", ceil(r->budget_ms));
	if (r->throttle > 0 && r->throttle <= harsh_throttle)
		strv_pushf(&ways, "--throttle %.0f", ceil(r->throttle * 100));
	if (r->bandwidth_bps > 0 &&
	    (o->cap_bps <= 0 || r->bandwidth_bps > o->link_bps))
		strv_pushf(&ways, "a link of %.0f MB/s",
			   ceil(r->bandwidth_bps / 1e6));
	if (!ways.n)
		return NULL;
	all = strv_join(&ways, ", or ");
	return xasprintf("It would take %s.", all);
}

void outlook_judge(struct outlook *o)
{
	struct forecast_start from = start_of(o);
	struct forecast_setting s;

	reckon(o);
	learn(o);
	choose_budgets(o);
	choose_rates(o);
	if (curve_known(o->curve)) {
		s = setting_of(o, effective_bps(o), o->link_bps, o->budget_ms);
		fill_table(o);
		foresee(o, &s, &o->asked);
		forecast_remedies(o->curve, &from, &s, &o->remedy);
		o->verdict = verdict_of(&o->asked);
		o->xbzrle_helps = o->verdict != OUTLOOK_CONVERGES &&
				  converges_by_xbzrle(o, &s);
	}
	o->sentence = say(o);
	o->advice = advise(o);
}

/* --- JSON ---------------------------------------------------------------- */

static struct json_object *spread(const struct forecast_spread *s, double unit,
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

static struct json_object *curve_json(const struct outlook *o)
{
	static const double times[OUTLOOK_TIMES] = {
		0.1, 0.3, 1, 3, 10, 30, 100
	};
	struct json_object *all = json_object_new_array();

	for (size_t i = 0;
	     o->curve && curve_known(o->curve) && i < OUTLOOK_TIMES; i++) {
		double d = curve_at(o->curve, times[i]);
		double s = curve_sigma(o->curve, times[i]);
		struct json_object *p = json_new();

		p = json_add_num(p, "seconds", times[i], 3);
		p = json_add_num(p, "bytes", d, 0);
		p = json_add_num(p, "low", d * exp(-s), 0);
		p = json_add_num(p, "high", fmin(d * exp(s), o->ram_bytes), 0);
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

static struct json_object *table_json(const struct outlook *o)
{
	struct json_object *all = json_object_new_array();

	for (size_t i = 0; o->verdict != OUTLOOK_UNKNOWN && i < o->n_rows;
	     i++) {
		for (size_t k = 0; k < o->n_budgets; k++)
			json_object_array_add(all,
					      cell(o->rows[i].bandwidth_bps,
						   o->budgets_ms[k],
						   &o->rows[i].cell[k]));
	}
	return all;
}

static struct json_object *remedy_json(const struct outlook *all)
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

/* What is reckoned with, and how it is known. */
static struct json_object *costs_json(const struct outlook *o)
{
	struct json_object *c = json_new();

	c = json_add_str(c, "from", o->pair.n ? "learnt" : "assumed");
	c = json_add_u64(c, "migrations", o->pair.n);
	c = json_add_num(c, "pass_ms", o->overhead_ms, 1);
	return json_add_num(c, "switchover_ms", o->fixed_ms, 1);
}

void outlook_to_json(const struct outlook *o, struct json_object *out)
{
	bool told = o->verdict != OUTLOOK_UNKNOWN;

	json_add_sub(out, "curve", curve_json(o));
	json_add_sub(out, "points", points_json(&o->seen));
	json_add_num(out, "bandwidth_bps", o->link_bps > 0 ? o->link_bps : NAN,
		     0);
	fields_text(out, "bandwidth", outlook_link_name(o->link));
	json_add_sub(out, "costs", told ? costs_json(o) : NULL);
	json_add_num(out, "wire_share", o->seen.wire_share, 3);
	json_add_num(out, "stood_ms", o->seen.stood_ms, 3);
	json_add_sub(out, "table", table_json(o));
	json_add_sub(out, "asked",
		     told ? cell(effective_bps(o), o->budget_ms, &o->asked)
			  : NULL);
	json_add_sub(out, "remedies", told ? remedy_json(o) : NULL);
	json_add_sub(out, "xbzrle",
		     o->sampled ? xbzrle_json(&o->xbzrle) : NULL);
	fields_text(out, "verdict", outlook_verdict_name(o->verdict));
	fields_text(out, "sentence", o->sentence);
	fields_text(out, "advice", o->advice);
	fields_text(out, "note", o->note);
}
