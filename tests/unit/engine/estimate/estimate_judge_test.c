/* SPDX-License-Identifier: MIT */
/* estimate_judge: from points and a link to a verdict; one claim a test. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/estimate/estimate.h"
#include "qmp/json.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

/* A guest of 1 GiB that rewrites @bps, up to @set bytes, over @link_bps. */
static void see(struct estimate *est, double bps, double set, double link_bps,
		double budget_ms)
{
	static const double times[] = { 0.4, 2, 0.5, 4 };

	estimate_init(est);
	for (size_t i = 0; i < ARRAY_SIZE(times); i++)
		est->seen.v[est->seen.n++] = (struct rehearse_point){
			times[i], fmin(bps * times[i], set), false
		};
	est->seen.passes = est->seen.n;
	est->ram_bytes = 1 << 30;
	est->budget_ms = budget_ms;
	est->link_bps = link_bps;
	est->link = ESTIMATE_LINK_MEASURED;
}

/* Two migrations that found the same. */
static void teach(struct estimate *est, struct lesson lesson)
{
	lessons_learn(&est->pair, &lesson);
	lessons_learn(&est->pair, &lesson);
}

static void judge(struct estimate *est, double bps, double set, double link_bps,
		  double budget_ms)
{
	see(est, bps, set, link_bps, budget_ms);
	estimate_judge(est);
}

/* What its pages would come to: most of each stays as it is. */
static const struct xbzrle_verdict paying = {
	.pays = true,
	.shrink = 0.03,
	.pages = 500,
	.cache_bytes = 1 << 30,
};

TEST(a_calm_guest_converges)
{
	struct estimate est;

	judge(&est, 10e6, 300e6, 100e6, 300);
	assert_int_equal(est.verdict, ESTIMATE_CONVERGES);
	assert_null(est.advice);
	/* at least all of its memory once */
	assert_true(est.asked.seconds.p50 > 10);
	assert_true(est.asked.blackout_ms.p50 < 300);
	estimate_free(&est);
}

TEST(a_guest_faster_than_the_link_never_does)
{
	struct estimate est;

	judge(&est, 300e6, 900e6, 100e6, 100);
	assert_int_equal(est.verdict, ESTIMATE_NEVER);
	assert_non_null(strstr(est.sentence, "Never"));
	estimate_free(&est);
}

TEST(advice_names_a_budget_that_does)
{
	struct estimate est, again;
	double budget;

	judge(&est, 300e6, 900e6, 100e6, 100);
	budget = est.remedy.budget_ms;
	assert_true(budget > 100);
	assert_non_null(strstr(est.advice, "--max-blackout"));
	estimate_free(&est);
	judge(&again, 300e6, 900e6, 100e6, ceil(budget));
	assert_int_not_equal(again.verdict, ESTIMATE_NEVER);
	estimate_free(&again);
}

static double advised_budget(const struct estimate *o)
{
	const char *at = strstr(o->advice, "--max-blackout ");

	return at ? strtod(at + strlen("--max-blackout "), NULL) : NAN;
}

/* The link as it was last time, or as far below that as it scatters. */
TEST(advice_does_on_a_day_as_bad_as_any)
{
	static const double links[] = { 100e6, 70e6, 85e6, 115e6, 130e6 };
	double sigma =
		forecast_scatter(links, ARRAY_SIZE(links), FORECAST_PRIOR_LINK);
	struct estimate o, again;
	double sure;

	judge(&o, 300e6, 900e6, 100e6, 100);
	sure = advised_budget(&o);
	estimate_free(&o);
	see(&o, 300e6, 900e6, 100e6, 100);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		lessons_learn(&o.pair,
			      &(struct lesson){ .link_bps = links[i] });
	estimate_judge(&o);
	assert_true(advised_budget(&o) > sure * 1.1);
	judge(&again, 300e6, 900e6, 100e6 * exp(-FORECAST_DOUBT * sigma),
	      advised_budget(&o));
	assert_int_equal(again.verdict, ESTIMATE_CONVERGES);
	estimate_free(&again);
	estimate_free(&o);
}

TEST(advice_doubts_a_probe_that_was_uneven)
{
	struct estimate even, uneven;

	judge(&even, 300e6, 900e6, 100e6, 100);
	see(&uneven, 300e6, 900e6, 100e6, 100);
	uneven.link_sigma = 0.2;
	estimate_judge(&uneven);
	assert_true(advised_budget(&uneven) > advised_budget(&even) * 1.1);
	/* the forecast stays what is likely */
	assert_true(uneven.asked.blackout_ms.p50 == even.asked.blackout_ms.p50);
	estimate_free(&even);
	estimate_free(&uneven);
}

TEST(pages_of_zeroes_make_it_shorter)
{
	struct estimate est;
	double whole;

	judge(&est, 10e6, 300e6, 100e6, 300);
	whole = est.asked.seconds.p50;
	estimate_free(&est);
	estimate_init(&est);
	est.seen.v[0] = (struct rehearse_point){ 1, 10e6, false };
	est.seen.v[1] = (struct rehearse_point){ 2, 20e6, false };
	est.seen.n = est.seen.passes = 2;
	est.seen.wire_share = 0.25;
	est.ram_bytes = 1 << 30;
	est.budget_ms = 300;
	est.link_bps = 100e6;
	estimate_judge(&est);
	assert_true(est.asked.seconds.p50 < whole / 2);
	estimate_free(&est);
}

TEST(nothing_seen_is_nothing_said)
{
	AUTO_JSON struct json_object *out = json_new();
	struct estimate est;

	estimate_init(&est);
	est.ram_bytes = 1 << 30;
	est.budget_ms = 300;
	estimate_judge(&est);
	assert_int_equal(est.verdict, ESTIMATE_UNKNOWN);
	estimate_to_json(&est, out);
	assert_int_equal(json_length((struct json_at){
				 json_object_object_get(out, "table"), "" }),
			 0);
	estimate_free(&est);
}

TEST(the_asked_budget_is_in_the_table)
{
	static const double asked[] = { 5, 30, 77, 300, 5000 };

	for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
		struct estimate est;
		int found = 0;

		judge(&est, 10e6, 300e6, 100e6, asked[i]);
		for (size_t k = 0; k < est.n_budgets; k++) {
			found += est.budgets_ms[k] == asked[i];
			if (k)
				assert_true(est.budgets_ms[k] >
					    est.budgets_ms[k - 1]);
		}
		assert_int_equal(found, 1);
		estimate_free(&est);
	}
}

TEST(a_cap_is_kept_to)
{
	struct estimate est;

	estimate_init(&est);
	est.seen.v[0] = (struct rehearse_point){ 1, 30e6, false };
	est.seen.v[1] = (struct rehearse_point){ 3, 90e6, false };
	est.seen.n = est.seen.passes = 2;
	est.ram_bytes = 1 << 30;
	est.budget_ms = 100;
	est.link_bps = 200e6;
	est.cap_bps = 20e6;
	est.link = ESTIMATE_LINK_MEASURED;
	estimate_judge(&est);
	assert_int_equal(est.verdict, ESTIMATE_NEVER);
	/* the cheapest way out is to lift it */
	assert_non_null(strstr(est.advice, "--bandwidth"));
	estimate_free(&est);
}

TEST(a_switchover_costs_what_was_learnt)
{
	const struct lesson lesson = { .fixed_ms = 220 };
	struct estimate est;
	double usual_ms;

	judge(&est, 10e6, 300e6, 100e6, 300);
	usual_ms = est.asked.blackout_ms.p50;
	estimate_free(&est);
	see(&est, 10e6, 300e6, 100e6, 300);
	teach(&est, lesson);
	estimate_judge(&est);
	assert_true(fabs(est.asked.blackout_ms.p50 - usual_ms - 200) < 0.1);
	estimate_free(&est);
}

TEST(what_is_not_copying_takes_time_too)
{
	struct estimate est;

	judge(&est, 10e6, 300e6, 1e15, 300);
	assert_true(est.asked.seconds.p50 > 0.4);
	estimate_free(&est);
}

TEST(one_migration_is_not_believed_alone)
{
	const struct lesson lesson = { .fixed_ms = 220 };
	struct estimate est;
	double usual_ms;

	judge(&est, 10e6, 300e6, 100e6, 300);
	usual_ms = est.fixed_ms;
	estimate_free(&est);
	see(&est, 10e6, 300e6, 100e6, 300);
	lessons_learn(&est.pair, &lesson);
	estimate_judge(&est);
	assert_true(est.fixed_ms == usual_ms);
	estimate_free(&est);
}

TEST(a_pass_costs_what_was_learnt)
{
	const struct lesson lesson = { .overhead_ms = 400 };
	struct estimate est;

	see(&est, 50e6, 900e6, 100e6, 200);
	teach(&est, lesson);
	estimate_judge(&est);
	/* in the fixed point as much is copied as in the overhead */
	assert_int_equal(est.verdict, ESTIMATE_NEVER);
	estimate_free(&est);
	judge(&est, 50e6, 900e6, 100e6, 200);
	assert_int_equal(est.verdict, ESTIMATE_CONVERGES);
	estimate_free(&est);
}

TEST(a_probe_far_above_what_migrations_got_is_not_believed)
{
	const struct lesson lesson = { .link_bps = 50e6 };
	struct estimate est;

	see(&est, 10e6, 300e6, 100e6, 300);
	teach(&est, lesson);
	estimate_judge(&est);
	assert_true(fabs(est.link_bps - 55e6) < 1);
	assert_int_equal(est.link, ESTIMATE_LINK_LEARNT);
	estimate_free(&est);
}

TEST(a_probe_below_what_migrations_got_is)
{
	const struct lesson lesson = { .link_bps = 500e6 };
	struct estimate est;

	see(&est, 10e6, 300e6, 100e6, 300);
	teach(&est, lesson);
	estimate_judge(&est);
	assert_true(est.link_bps == 100e6);
	estimate_free(&est);
}

TEST(a_bandwidth_that_was_given_is_kept)
{
	const struct lesson lesson = { .link_bps = 50e6 };
	struct estimate est;

	see(&est, 10e6, 300e6, 100e6, 300);
	est.link = ESTIMATE_LINK_GIVEN;
	teach(&est, lesson);
	estimate_judge(&est);
	assert_true(est.link_bps == 100e6);
	estimate_free(&est);
}

static const char *from_of(const struct estimate *est, struct json_object *out)
{
	struct json_object *costs;

	estimate_to_json(est, out);
	costs = json_object_object_get(out, "costs");
	return json_object_get_string(json_object_object_get(costs, "from"));
}

TEST(it_says_whether_costs_were_learnt)
{
	AUTO_JSON struct json_object *learnt = json_new();
	AUTO_JSON struct json_object *assumed = json_new();
	const struct lesson lesson = { .fixed_ms = 220 };
	struct estimate est;

	judge(&est, 10e6, 300e6, 100e6, 300);
	assert_string_equal(from_of(&est, assumed), "assumed");
	estimate_free(&est);
	see(&est, 10e6, 300e6, 100e6, 300);
	teach(&est, lesson);
	estimate_judge(&est);
	assert_string_equal(from_of(&est, learnt), "learnt");
	estimate_free(&est);
}

TEST(xbzrle_is_advised_where_it_alone_does)
{
	struct estimate est;

	see(&est, 300e6, 900e6, 100e6, 100);
	est.sampled = true;
	est.xbzrle = paying;
	estimate_judge(&est);
	assert_int_equal(est.verdict, ESTIMATE_NEVER);
	assert_true(est.xbzrle_helps);
	assert_non_null(strstr(est.advice, "--xbzrle on"));
	estimate_free(&est);
}

TEST(xbzrle_that_is_not_enough_is_not_advised)
{
	struct estimate est;

	see(&est, 300e6, 900e6, 100e6, 100);
	est.xbzrle = paying;
	est.xbzrle.shrink = 0.45;
	estimate_judge(&est);
	assert_false(est.xbzrle_helps);
	assert_null(strstr(est.advice, "xbzrle"));
	estimate_free(&est);
}

TEST(xbzrle_that_does_not_pay_is_not_advised)
{
	struct estimate est;

	see(&est, 300e6, 900e6, 100e6, 100);
	est.xbzrle = paying;
	est.xbzrle.pays = false;
	estimate_judge(&est);
	assert_null(strstr(est.advice, "xbzrle"));
	estimate_free(&est);
}

TEST(xbzrle_is_no_remedy_where_none_is_needed)
{
	struct estimate est;

	see(&est, 10e6, 300e6, 100e6, 300);
	est.xbzrle = paying;
	estimate_judge(&est);
	assert_false(est.xbzrle_helps);
	estimate_free(&est);
}
