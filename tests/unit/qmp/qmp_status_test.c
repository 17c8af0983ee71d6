/* SPDX-License-Identifier: MIT */
/* qmp_status: each command against all schemas, and a real QEMU. */
#include <stdlib.h>
#include <string.h>

#include "qmp/qmp_status.h"
#include "tests/unit/qmp_fixture.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

/* Runs @body against each version's schema. */
static void on_all_versions(const struct fake_step *steps, size_t n,
			    void (*body)(struct qmp *q))
{
	for (const char *const *v = fake_qemu_versions; *v; v++) {
		struct fake_options options = { .version = *v };

		with_script(&options, steps, n, body);
	}
}

static void all_commands_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	struct qmp_status s;
	char uuid[37];

	expect_ok(qmp_query_status(q, &s, SOON, &err), &err);
	assert_true(s.running);
	assert_int_equal(s.state, RUN_RUNNING);
	expect_ok(qmp_query_uuid(q, uuid, SOON, &err), &err);
	assert_string_equal(uuid, "0a1b2c3d-0000-4000-8000-0123456789ab");
	expect_ok(qmp_stop(q, SOON, &err), &err);
	expect_ok(qmp_cont(q, SOON, &err), &err);
	expect_ok(qmp_quit(q, SOON, &err), &err);
}

TEST(every_command_suits_all_versions)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-status",
		  .reply = "{\"running\":true,\"status\":\"running\"}" },
		{ .expect = "query-uuid",
		  .reply = "{\"UUID\":"
			   "\"0A1B2C3D-0000-4000-8000-0123456789AB\"}" },
		{ .expect = "stop", .event = "STOP" },
		{ .expect = "cont", .event = "RESUME" },
		{ .expect = "quit",
		  .event = "SHUTDOWN {\"guest\":false,"
			   "\"reason\":\"host-qmp-quit\"}" },
	};

	on_all_versions(steps, ARRAY_SIZE(steps), all_commands_body);
}

static void states_body(struct qmp *q)
{
	struct qmp_status s;

	for (int i = RUN_OTHER + 1; i < RUN_STATES; i++) {
		assert_int_equal(qmp_query_status(q, &s, SOON, NULL), 0);
		assert_int_equal(s.state, i);
	}
	assert_int_equal(qmp_query_status(q, &s, SOON, NULL), 0);
	assert_int_equal(s.state, RUN_OTHER);
	assert_string_equal(s.raw, "watchdog");
}

#define STATUS(word)                                                   \
	{                                                              \
		.expect = "query-status",                              \
		.reply = "{\"running\":false,\"status\":\"" word "\"}" \
	}

TEST(qemus_words_for_run_states_are_known)
{
	static const struct fake_step steps[] = {
		STATUS("running"),	  STATUS("paused"),
		STATUS("prelaunch"),	  STATUS("inmigrate"),
		STATUS("finish-migrate"), STATUS("postmigrate"),
		STATUS("shutdown"),	  STATUS("guest-panicked"),
		STATUS("io-error"),	  STATUS("internal-error"),
		STATUS("watchdog"),
	};

	WITH_SCRIPT(steps, states_body);
}

static void broken_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	struct qmp_status s;
	char uuid[37];

	assert_int_equal(qmp_query_status(q, &s, SOON, &err), -1);
	expect_err_kind(&err, ERR_PROTOCOL, "query-status.running: missing");
	assert_int_equal(qmp_query_uuid(q, uuid, SOON, &err), -1);
	expect_err_kind(&err, ERR_PROTOCOL, "not a UUID: 0a1b");
	assert_int_equal(qmp_query_uuid(q, uuid, SOON, &err), -1);
	expect_err_kind(&err, ERR_PROTOCOL, "query-uuid: expected an object");
}

TEST(broken_answers_are_refused)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-status",
		  .reply = "{\"status\":\"running\"}" },
		{ .expect = "query-uuid", .reply = "{\"UUID\":\"0a1b\"}" },
		{ .expect = "query-uuid", .reply = "[]" },
	};

	WITH_SCRIPT(steps, broken_body);
}

static void quit_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };

	expect_ok(qmp_quit(q, SOON, &err), &err);
}

TEST(closing_instead_of_answering_quit_is_success)
{
	static const struct fake_step steps[] = {
		{ .expect = "quit",
		  .event = "SHUTDOWN {\"guest\":false,"
			   "\"reason\":\"host-qmp-quit\"}",
		  .close = true },
	};

	WITH_SCRIPT(steps, quit_body);
}

static void lost_before_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };

	assert_int_equal(qmp_stop(q, SOON, &err), -1);
	expect_err_kind(&err, ERR_CLOSED, "");
	assert_int_equal(qmp_quit(q, SOON, &err), -1);
	expect_err_kind(&err, ERR_CLOSED, "closed its monitor");
}

TEST(a_session_lost_before_quit_is_no_success)
{
	static const struct fake_step steps[] = {
		{ .expect = "stop", .close = true },
	};

	WITH_SCRIPT(steps, lost_before_body);
}

static void refused_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };

	assert_int_equal(qmp_quit(q, SOON, &err), -1);
	expect_err_kind(&err, ERR_QMP, "not allowed");
	assert_int_equal(qmp_quit(q, SHORTLY, &err), -1);
	expect_err_kind(&err, ERR_TIMEOUT, "did not answer quit");
}

TEST(a_refused_or_unanswered_quit_is_no_success)
{
	static const struct fake_step steps[] = {
		{ .expect = "quit", .error = "not allowed" },
		{ .expect = "quit", .hold = true },
	};

	WITH_SCRIPT(steps, refused_body);
}

static void real_body(struct qmp *q, struct real_qemu *r)
{
	AUTO_ERR struct err err = { 0 };
	struct qmp_status s;
	char uuid[37];

	(void)r;
	expect_ok(qmp_query_uuid(q, uuid, SOON, &err), &err);
	assert_string_equal(uuid, "00000000-0000-0000-0000-000000000000");
	expect_ok(qmp_query_status(q, &s, SOON, &err), &err);
	assert_int_equal(s.state, RUN_PRELAUNCH);
	expect_ok(qmp_cont(q, SOON, &err), &err);
	expect_ok(qmp_stop(q, SOON, &err), &err);
	expect_ok(qmp_query_status(q, &s, SOON, &err), &err);
	assert_int_equal(s.state, RUN_PAUSED);
	expect_ok(qmp_quit(q, SOON, &err), &err);
}

TEST(a_real_qemu_runs_stops_and_quits)
{
	static const char *const extra[] = { "-S", "-name", "web1", NULL };

	with_real(extra, real_body);
}
