/* SPDX-License-Identifier: MIT */
/* outlook_judge: from points and a link to a verdict; one claim a test. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/estimate/estimate.h"
#include "qmp/json.h"
#include "transport/base/xalloc.h"

/* A guest of 1 GiB that rewrites @bps, up to @set bytes, over @link_bps. */
static void see(struct outlook *o, double bps, double set, double link_bps,
		double budget_ms)
{
	static const double times[] = { 0.4, 2, 0.5, 4 };

	outlook_init(o);
	for (size_t i = 0; i < ARRAY_SIZE(times); i++)
		o->seen.v[o->seen.n++] = (struct rehearse_point){
			times[i], fmin(bps * times[i], set), false
		};
	o->seen.passes = o->seen.n;
	o->ram_bytes = 1 << 30;
	o->budget_ms = budget_ms;
	o->link_bps = link_bps;
	o->link = OUTLOOK_LINK_MEASURED;
}

/* Two migrations that found the same. */
static void teach(struct outlook *o, struct pair_lesson lesson)
{
	pair_learn(&o->pair, &lesson);
	pair_learn(&o->pair, &lesson);
}

static void judge(struct outlook *o, double bps, double set, double link_bps,
		  double budget_ms)
{
	see(o, bps, set, link_bps, budget_ms);
	outlook_judge(o);
}

/* What its pages would come to: most of each stays as it is. */
static const struct xbzrle_verdict paying = {
	.pays = true,
	.shrink = 0.03,
	.pages = 500,
	.cache_bytes = 1 << 30,
};

static void a_calm_guest_converges(void **state)
{
	struct outlook o;

	(void)state;
	judge(&o, 10e6, 300e6, 100e6, 300);
	assert_int_equal(o.verdict, OUTLOOK_CONVERGES);
	assert_null(o.advice);
	/* at least all of its memory once */
	assert_true(o.asked.seconds.p50 > 10);
	assert_true(o.asked.blackout_ms.p50 < 300);
	outlook_free(&o);
}

static void a_guest_faster_than_the_link_never_does(void **state)
{
	struct outlook o;

	(void)state;
	judge(&o, 300e6, 900e6, 100e6, 100);
	assert_int_equal(o.verdict, OUTLOOK_NEVER);
	assert_non_null(strstr(o.sentence, "Never"));
	outlook_free(&o);
}

static void advice_names_a_budget_that_does(void **state)
{
	struct outlook o, again;
	double budget;

	(void)state;
	judge(&o, 300e6, 900e6, 100e6, 100);
	budget = o.remedy.budget_ms;
	assert_true(budget > 100);
	assert_non_null(strstr(o.advice, "--max-blackout"));
	outlook_free(&o);
	judge(&again, 300e6, 900e6, 100e6, ceil(budget));
	assert_int_not_equal(again.verdict, OUTLOOK_NEVER);
	outlook_free(&again);
}

static void pages_of_zeroes_make_it_shorter(void **state)
{
	struct outlook o;
	double whole;

	(void)state;
	judge(&o, 10e6, 300e6, 100e6, 300);
	whole = o.asked.seconds.p50;
	outlook_free(&o);
	outlook_init(&o);
	o.seen.v[0] = (struct rehearse_point){ 1, 10e6, false };
	o.seen.v[1] = (struct rehearse_point){ 2, 20e6, false };
	o.seen.n = o.seen.passes = 2;
	o.seen.wire_share = 0.25;
	o.ram_bytes = 1 << 30;
	o.budget_ms = 300;
	o.link_bps = 100e6;
	outlook_judge(&o);
	assert_true(o.asked.seconds.p50 < whole / 2);
	outlook_free(&o);
}

static void nothing_seen_is_nothing_told(void **state)
{
	AUTO_JSON struct json_object *out = json_new();
	struct outlook o;

	(void)state;
	outlook_init(&o);
	o.ram_bytes = 1 << 30;
	o.budget_ms = 300;
	outlook_judge(&o);
	assert_int_equal(o.verdict, OUTLOOK_UNKNOWN);
	outlook_to_json(&o, out);
	assert_int_equal(json_length((struct json_at){
				 json_object_object_get(out, "table"), "" }),
			 0);
	outlook_free(&o);
}

static void the_asked_budget_is_in_the_table(void **state)
{
	static const double asked[] = { 5, 30, 77, 300, 5000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
		struct outlook o;
		int found = 0;

		judge(&o, 10e6, 300e6, 100e6, asked[i]);
		for (size_t k = 0; k < o.n_budgets; k++) {
			found += o.budgets_ms[k] == asked[i];
			if (k)
				assert_true(o.budgets_ms[k] >
					    o.budgets_ms[k - 1]);
		}
		assert_int_equal(found, 1);
		outlook_free(&o);
	}
}

static void a_cap_is_kept_to(void **state)
{
	struct outlook o;

	(void)state;
	outlook_init(&o);
	o.seen.v[0] = (struct rehearse_point){ 1, 30e6, false };
	o.seen.v[1] = (struct rehearse_point){ 3, 90e6, false };
	o.seen.n = o.seen.passes = 2;
	o.ram_bytes = 1 << 30;
	o.budget_ms = 100;
	o.link_bps = 200e6;
	o.cap_bps = 20e6;
	o.link = OUTLOOK_LINK_MEASURED;
	outlook_judge(&o);
	assert_int_equal(o.verdict, OUTLOOK_NEVER);
	/* the cheapest way out is to lift it */
	assert_non_null(strstr(o.advice, "--bandwidth"));
	outlook_free(&o);
}

static void a_switchover_costs_what_was_learnt(void **state)
{
	const struct pair_lesson lesson = { .fixed_ms = 220 };
	struct outlook o;
	double usual_ms;

	(void)state;
	judge(&o, 10e6, 300e6, 100e6, 300);
	usual_ms = o.asked.blackout_ms.p50;
	outlook_free(&o);
	see(&o, 10e6, 300e6, 100e6, 300);
	teach(&o, lesson);
	outlook_judge(&o);
	assert_true(fabs(o.asked.blackout_ms.p50 - usual_ms - 200) < 0.1);
	outlook_free(&o);
}

static void what_is_not_copying_takes_time_too(void **state)
{
	struct outlook o;

	(void)state;
	judge(&o, 10e6, 300e6, 1e15, 300);
	assert_true(o.asked.seconds.p50 > 0.4);
	outlook_free(&o);
}

static void one_migration_is_not_believed_alone(void **state)
{
	const struct pair_lesson lesson = { .fixed_ms = 220 };
	struct outlook o;
	double usual_ms;

	(void)state;
	judge(&o, 10e6, 300e6, 100e6, 300);
	usual_ms = o.fixed_ms;
	outlook_free(&o);
	see(&o, 10e6, 300e6, 100e6, 300);
	pair_learn(&o.pair, &lesson);
	outlook_judge(&o);
	assert_true(o.fixed_ms == usual_ms);
	outlook_free(&o);
}

static void a_pass_costs_what_was_learnt(void **state)
{
	const struct pair_lesson lesson = { .overhead_ms = 400 };
	struct outlook o;

	(void)state;
	see(&o, 50e6, 900e6, 100e6, 200);
	teach(&o, lesson);
	outlook_judge(&o);
	/* in the fixed point as much is copied as in the overhead */
	assert_int_equal(o.verdict, OUTLOOK_NEVER);
	outlook_free(&o);
	judge(&o, 50e6, 900e6, 100e6, 200);
	assert_int_equal(o.verdict, OUTLOOK_CONVERGES);
	outlook_free(&o);
}

static void a_probe_far_above_what_migrations_got_is_not_believed(void **state)
{
	const struct pair_lesson lesson = { .link_bps = 50e6 };
	struct outlook o;

	(void)state;
	see(&o, 10e6, 300e6, 100e6, 300);
	teach(&o, lesson);
	outlook_judge(&o);
	assert_true(fabs(o.link_bps - 55e6) < 1);
	assert_int_equal(o.link, OUTLOOK_LINK_LEARNT);
	outlook_free(&o);
}

static void a_probe_below_what_migrations_got_is(void **state)
{
	const struct pair_lesson lesson = { .link_bps = 500e6 };
	struct outlook o;

	(void)state;
	see(&o, 10e6, 300e6, 100e6, 300);
	teach(&o, lesson);
	outlook_judge(&o);
	assert_true(o.link_bps == 100e6);
	outlook_free(&o);
}

static void a_bandwidth_that_was_given_stands(void **state)
{
	const struct pair_lesson lesson = { .link_bps = 50e6 };
	struct outlook o;

	(void)state;
	see(&o, 10e6, 300e6, 100e6, 300);
	o.link = OUTLOOK_LINK_GIVEN;
	teach(&o, lesson);
	outlook_judge(&o);
	assert_true(o.link_bps == 100e6);
	outlook_free(&o);
}

static const char *from_of(const struct outlook *o, struct json_object *out)
{
	struct json_object *costs;

	outlook_to_json(o, out);
	costs = json_object_object_get(out, "costs");
	return json_object_get_string(json_object_object_get(costs, "from"));
}

static void it_says_whether_costs_were_learnt(void **state)
{
	AUTO_JSON struct json_object *learnt = json_new();
	AUTO_JSON struct json_object *assumed = json_new();
	const struct pair_lesson lesson = { .fixed_ms = 220 };
	struct outlook o;

	(void)state;
	judge(&o, 10e6, 300e6, 100e6, 300);
	assert_string_equal(from_of(&o, assumed), "assumed");
	outlook_free(&o);
	see(&o, 10e6, 300e6, 100e6, 300);
	teach(&o, lesson);
	outlook_judge(&o);
	assert_string_equal(from_of(&o, learnt), "learnt");
	outlook_free(&o);
}

static void xbzrle_is_advised_where_it_alone_does(void **state)
{
	struct outlook o;

	(void)state;
	see(&o, 300e6, 900e6, 100e6, 100);
	o.sampled = true;
	o.xbzrle = paying;
	outlook_judge(&o);
	assert_int_equal(o.verdict, OUTLOOK_NEVER);
	assert_true(o.xbzrle_helps);
	assert_non_null(strstr(o.advice, "--xbzrle on"));
	outlook_free(&o);
}

static void xbzrle_that_is_not_enough_is_not_advised(void **state)
{
	struct outlook o;

	(void)state;
	see(&o, 300e6, 900e6, 100e6, 100);
	o.xbzrle = paying;
	o.xbzrle.shrink = 0.45;
	outlook_judge(&o);
	assert_false(o.xbzrle_helps);
	assert_null(strstr(o.advice, "xbzrle"));
	outlook_free(&o);
}

static void xbzrle_that_does_not_pay_is_not_advised(void **state)
{
	struct outlook o;

	(void)state;
	see(&o, 300e6, 900e6, 100e6, 100);
	o.xbzrle = paying;
	o.xbzrle.pays = false;
	outlook_judge(&o);
	assert_null(strstr(o.advice, "xbzrle"));
	outlook_free(&o);
}

static void xbzrle_is_no_remedy_where_none_is_needed(void **state)
{
	struct outlook o;

	(void)state;
	see(&o, 10e6, 300e6, 100e6, 300);
	o.xbzrle = paying;
	outlook_judge(&o);
	assert_false(o.xbzrle_helps);
	outlook_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_calm_guest_converges),
		cmocka_unit_test(a_guest_faster_than_the_link_never_does),
		cmocka_unit_test(advice_names_a_budget_that_does),
		cmocka_unit_test(pages_of_zeroes_make_it_shorter),
		cmocka_unit_test(nothing_seen_is_nothing_told),
		cmocka_unit_test(the_asked_budget_is_in_the_table),
		cmocka_unit_test(a_cap_is_kept_to),
		cmocka_unit_test(a_switchover_costs_what_was_learnt),
		cmocka_unit_test(what_is_not_copying_takes_time_too),
		cmocka_unit_test(one_migration_is_not_believed_alone),
		cmocka_unit_test(a_pass_costs_what_was_learnt),
		cmocka_unit_test(
			a_probe_far_above_what_migrations_got_is_not_believed),
		cmocka_unit_test(a_probe_below_what_migrations_got_is),
		cmocka_unit_test(a_bandwidth_that_was_given_stands),
		cmocka_unit_test(it_says_whether_costs_were_learnt),
		cmocka_unit_test(xbzrle_is_advised_where_it_alone_does),
		cmocka_unit_test(xbzrle_that_is_not_enough_is_not_advised),
		cmocka_unit_test(xbzrle_that_does_not_pay_is_not_advised),
		cmocka_unit_test(xbzrle_is_no_remedy_where_none_is_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
