/* SPDX-License-Identifier: MIT */
/* Tests of qmp/qmp.c: a session is opened and closed. */
#include <stdint.h>
#include <string.h>

#include "qmp/qmp_status.h"
#include "tests/unit/qmp_fixture.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static void expect_status(struct qmp *q, const char *word)
{
	AUTO_ERR struct err err = { 0 };
	struct qmp_status s;

	expect_ok(qmp_query_status(q, &s, SOON, &err), &err);
	assert_string_equal(s.raw, word);
}

static void unanswered_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };

	assert_int_equal(qmp_stop(q, SHORTLY, &err), -1);
	expect_err_kind(&err, ERR_TIMEOUT, "did not answer stop");
}

TEST(a_session_closes_under_a_flood)
{
	static const char reply[] = "{\"return\": {}, \"id\": 5}\r\n";
	static char many[3000 * sizeof(reply)];
	static const struct fake_step steps[] = {
		{ .expect = "stop", .hold = true },
		{ .raw = many, .flood = SIZE_MAX - 1 },
	};

	for (size_t i = 0; i < 3000; i++)
		memcpy(many + i * strlen(reply), reply, strlen(reply));
	WITH_SCRIPT(steps, unanswered_body);
}

static void shared_body(struct qmp *q)
{
	assert_ptr_equal(qmp_share(q), q);
	expect_status(q, "running");
	qmp_close(q);
	expect_status(q, "running");
}

TEST(a_shared_session_is_open_until_its_last_user_closes_it)
{
	static const struct fake_step step = {
		.expect = "query-status",
		.reply = "{\"status\":\"running\",\"running\":true,"
			 "\"singlestep\":false}",
	};
	const struct fake_step steps[] = { step, step };

	WITH_SCRIPT(steps, shared_body);
}

static void real_session_body(struct qmp *q, struct real_qemu *r)
{
	AUTO_ERR struct err err = { 0 };
	struct qmp_listener *l = listen_to(q);
	struct qmp_event *e;

	(void)r;
	expect_status(q, "running");
	expect_ok(qmp_stop(q, SOON, &err), &err);
	e = next_event(q, l, SOON, &err);
	assert_non_null(e);
	assert_string_equal(e->name, "STOP");
	qmp_event_free(e);
	assert_int_equal(qmp_call(q, "no-such", NULL, NULL, SOON, &err), -1);
	expect_err_kind(&err, ERR_QMP, "no-such");
	expect_status(q, "paused");
	qmp_listener_free(l);
}

TEST(a_real_qemu_answers_in_and_out_of_turn)
{
	with_real(NULL, real_session_body);
}
