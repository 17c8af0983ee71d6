/* SPDX-License-Identifier: MIT */
/* Tests of qmp/qmp_call.c: answers, deadlines, cancel. */
#include <stdint.h>
#include <string.h>

#include "qmp/qmp_migrate.h"
#include "qmp/qmp_status.h"
#include "tests/unit/qmp_fixture.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

#define RUNNING "{\"running\":true,\"status\":\"running\"}"
#define PAUSED "{\"running\":false,\"status\":\"paused\"}"

static void expect_status(struct qmp *q, const char *word)
{
	AUTO_ERR struct err err = { 0 };
	struct qmp_status s;

	expect_ok(qmp_query_status(q, &s, SOON, &err), &err);
	assert_string_equal(s.raw, word);
}

static void running(struct qmp *q)
{
	expect_status(q, "running");
}

TEST(a_reply_is_the_value_of_return)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-status", .reply = RUNNING },
	};

	WITH_SCRIPT(steps, running);
}

static void refused_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };

	assert_int_equal(qmp_cont(q, SOON, &err), -1);
	assert_string_equal(err.message, "QEMU at the source refused cont");
	assert_non_null(err.cause);
	assert_string_equal(err.cause->message, "Failed to get \"write\" lock");
	expect_err_kind(&err, ERR_QMP, "");
	expect_ok(qmp_check(q, &err), &err);
}

TEST(qemus_refusal_keeps_its_words_as_the_cause)
{
	static const struct fake_step steps[] = {
		{ .expect = "cont", .error = "Failed to get \"write\" lock" },
	};

	WITH_SCRIPT(steps, refused_body);
}

/* --- time ---------------------------------------------------------------- */

static void late_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };

	assert_int_equal(qmp_stop(q, SHORTLY, &err), -1);
	expect_err_kind(&err, ERR_TIMEOUT,
			"QEMU at the source did not answer stop");
	assert_int_equal(qmp_call_oob(q, "query-yank", NULL, NULL, SOON, &err),
			 0);
	expect_status(q, "paused");
}

TEST(a_late_reply_is_dropped_and_the_session_goes_on)
{
	static const struct fake_step steps[] = {
		{ .expect = "stop", .hold = true },
		{ .expect = "query-yank", .oob = true, .reply = "[]" },
		{ .release = true },
		{ .expect = "query-status", .reply = PAUSED },
	};

	WITH_SCRIPT(steps, late_body);
}

static void one_at_a_time_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };

	assert_int_equal(qmp_stop(q, SHORTLY, &err), -1);
	expect_err_kind(&err, ERR_TIMEOUT, "did not answer stop");
	assert_int_equal(qmp_cont(q, SHORTLY, &err), -1);
	expect_err_kind(
		&err, ERR_TIMEOUT,
		"cannot run cont at the source: QEMU at the source still "
		"works on stop");
}

TEST(nothing_is_sent_while_qemu_works_on_an_earlier_one)
{
	static const struct fake_step steps[] = {
		{ .expect = "stop", .hold = true },
		{ .leaves = true },
	};

	/* were `cont` sent, the fake would call it unexpected */
	WITH_SCRIPT(steps, one_at_a_time_body);
}

struct caller {
	struct qmp *q;
	bool begun;
	int result;
	struct err err;
};

static void stop_task(void *arg)
{
	struct caller *c = arg;

	c->begun = true;
	c->result = qmp_stop(c->q, SOON, &c->err);
}

static struct task *start_caller(struct caller *c, struct qmp *q,
				 void (*fn)(void *arg))
{
	*c = (struct caller){ .q = q, .result = 7 };
	return task_start(task_loop(), "caller", fn, c);
}

/* Returns once the caller's command is under way. */
static void wait_begun(const struct caller *c)
{
	while (!c->begun)
		task_yield();
}

static void oob_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	struct caller c;
	struct task *t = start_caller(&c, q, stop_task);

	wait_begun(&c);
	expect_ok(qmp_yank_migration(q, SOON, &err), &err);
	assert_false(task_ended(t));
	expect_ok(qmp_call_oob(q, "query-yank", NULL, NULL, SOON, &err), &err);
	task_join(t);
	expect_ok(c.result, &c.err);
}

TEST(an_out_of_band_command_passes_one_that_hangs)
{
	static const struct fake_step steps[] = {
		{ .expect = "stop", .hold = true },
		{ .expect = "yank",
		  .oob = true,
		  .args = "{\"instances\":[{\"type\":\"migration\"}]}" },
		{ .expect = "query-yank", .oob = true, .reply = "[]" },
		{ .release = true },
	};

	WITH_SCRIPT(steps, oob_body);
}

static void queue_body(struct qmp *q)
{
	struct caller c[3];
	struct task *t[3];

	for (int i = 0; i < 3; i++)
		t[i] = start_caller(&c[i], q, stop_task);
	for (int i = 0; i < 3; i++) {
		task_join(t[i]);
		expect_ok(c[i].result, &c[i].err);
	}
}

TEST(commands_of_several_tasks_go_one_after_another)
{
	static const struct fake_step steps[] = {
		{ .expect = "stop" },
		{ .expect = "stop" },
		{ .expect = "stop" },
	};

	WITH_SCRIPT(steps, queue_body);
}

/* --- cancel -------------------------------------------------------------- */

static void cancel_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	struct caller c;
	struct task *t = start_caller(&c, q, stop_task);

	wait_begun(&c);
	expect_ok(qmp_yank_migration(q, SOON, &err), &err);
	task_cancel(t);
	task_join(t);
	assert_int_equal(c.result, -1);
	expect_err_kind(&c.err, ERR_CANCELLED, "cancelled");
	expect_ok(qmp_yank_migration(q, SOON, &err), &err);
	expect_status(q, "running");
}

TEST(a_cancelled_call_leaves_the_session_whole)
{
	static const struct fake_step steps[] = {
		{ .expect = "stop", .hold = true },
		{ .expect = "yank", .oob = true },
		{ .expect = "yank", .oob = true },
		{ .release = true },
		{ .expect = "query-status", .reply = RUNNING },
	};

	WITH_SCRIPT(steps, cancel_body);
}

static void cancelled_before_body(struct qmp *q)
{
	struct caller c;
	struct task *t = start_caller(&c, q, stop_task);

	task_cancel(t);
	task_join(t);
	expect_err_kind(&c.err, ERR_CANCELLED, "cancelled");
}

TEST(a_task_cancelled_before_sends_nothing)
{
	with_script(&(struct fake_options){ .version = NULL }, NULL, 0,
		    cancelled_before_body);
}

static void shielded_stop_task(void *arg)
{
	task_shield();
	stop_task(arg);
	task_unshield();
}

static void shielded_body(struct qmp *q)
{
	struct caller c;
	struct task *t = start_caller(&c, q, shielded_stop_task);

	task_cancel(t);
	task_join(t);
	expect_ok(c.result, &c.err);
}

TEST(a_shielded_task_runs_its_command_though_cancelled)
{
	static const struct fake_step steps[] = { { .expect = "stop" } };

	WITH_SCRIPT(steps, shielded_body);
}

/* --- failures ------------------------------------------------------------ */

static void all_fail_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	struct caller first, second;
	struct task *a = start_caller(&first, q, stop_task);
	struct task *b = start_caller(&second, q, stop_task);

	task_join(a);
	task_join(b);
	expect_err_kind(&first.err, ERR_CLOSED, "no answer to stop");
	expect_err_kind(&second.err, ERR_CLOSED, "closed its monitor");
	assert_int_equal(qmp_cont(q, SOON, &err), -1);
	expect_err_kind(&err, ERR_CLOSED, "closed its monitor");
	assert_int_equal(qmp_check(q, &err), -1);
	expect_err_kind(&err, ERR_CLOSED, "closed its monitor");
}

TEST(all_waiting_and_later_calls_fail_with_the_same_reason)
{
	static const struct fake_step steps[] = {
		{ .expect = "stop", .close = true },
	};

	WITH_SCRIPT(steps, all_fail_body);
}
