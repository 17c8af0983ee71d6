/* SPDX-License-Identifier: MIT */
/* qmp_dirty: page sampling against all schemas, and a real QEMU. */
#include "qmp/qmp_dirty.h"
#include "tests/unit/qmp_fixture.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static void measure_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	double bps = -1;

	expect_ok(qmp_calc_dirty_rate(q, 2, 4096, SOON, &err), &err);
	assert_int_equal(qmp_query_dirty_rate(q, &bps, SOON, &err), 0);
	assert_int_equal(qmp_query_dirty_rate(q, &bps, SOON, &err), 0);
	assert_true(bps < 0);
	assert_int_equal(qmp_query_dirty_rate(q, &bps, SOON, &err), 1);
	assert_float_equal(bps, 37.0 * (1 << 20), 1);
}

TEST(it_is_asked_for_and_awaited_in_all_versions)
{
	static const struct fake_step steps[] = {
		{ .expect = "calc-dirty-rate",
		  .args = "{\"calc-time\":2,\"sample-pages\":4096,"
			  "\"mode\":\"page-sampling\"}" },
		{ .expect = "query-dirty-rate",
		  .reply = "{\"status\":\"unstarted\",\"start-time\":0}" },
		{ .expect = "query-dirty-rate",
		  .reply = "{\"status\":\"measuring\",\"start-time\":7}" },
		{ .expect = "query-dirty-rate",
		  .reply = "{\"status\":\"measured\",\"dirty-rate\":37,"
			   "\"start-time\":7}" },
	};

	for (const char *const *v = fake_qemu_versions; *v; v++) {
		struct fake_options options = { .version = *v };

		with_script(&options, steps, ARRAY_SIZE(steps), measure_body);
	}
}

static void nonsense_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	double bps;

	assert_int_equal(qmp_query_dirty_rate(q, &bps, SOON, &err), -1);
	expect_err_kind(&err, ERR_PROTOCOL, "dirty-rate");
}

TEST(a_result_without_a_rate_is_refused)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-dirty-rate",
		  .reply = "{\"status\":\"measured\"}" },
	};

	WITH_SCRIPT(steps, nonsense_body);
}

static void real_body(struct qmp *q, struct real_qemu *r)
{
	AUTO_ERR struct err err = { 0 };
	double bps = -1;
	int rc = 0;

	(void)r;
	expect_ok(qmp_calc_dirty_rate(q, 1, 512, SOON, &err), &err);
	while (rc == 0) {
		rc = qmp_query_dirty_rate(q, &bps, SOON, &err);
		(void)task_sleep_until(mono_in_ms(50), NULL);
	}
	assert_int_equal(rc, 1);
	assert_true(bps >= 0);
}

TEST(a_real_qemu_measures)
{
	static const char *const none[] = { NULL };

	with_real(none, real_body);
}
