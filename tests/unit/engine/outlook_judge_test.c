/* SPDX-License-Identifier: MIT */
/* outlook_judge: from points and a link to a verdict; one claim a test. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/outlook.h"
#include "qmp/json.h"
#include "transport/base/xalloc.h"

/* A guest of 1 GiB that rewrites @bps, up to @set bytes, over @link_bps. */
static void judge(struct outlook *o, double bps, double set, double link_bps,
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
	outlook_judge(o);
}

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
