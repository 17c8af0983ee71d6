/* SPDX-License-Identifier: MIT */
/* qmp: commands and replies, deadlines, cancel and broken peers. */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "qmp/frame.h"
#include "qmp/json.h"
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

/* --- replies find their command ------------------------------------------ */

TEST(a_reply_is_the_value_of_return)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-status", .reply = RUNNING },
	};

	WITH_SCRIPT(steps, running);
}

TEST(a_pretty_monitor_is_understood)
{
	static const struct fake_step steps[] = {
		{ .event = "STOP" },
		{ .expect = "query-status", .reply = RUNNING },
	};
	struct fake_options options = { .pretty = true };

	with_script(&options, steps, ARRAY_SIZE(steps), running);
}

TEST(a_reply_in_single_bytes_is_understood)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-status", .reply = RUNNING },
	};
	struct fake_options options = { .chunk = 1 };

	with_script(&options, steps, ARRAY_SIZE(steps), running);
}

TEST(replies_with_an_unknown_id_are_ignored)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-status", .hold = true },
		{ .raw = "{\"return\": " PAUSED
			 ", \"id\": \"libvirt-7\"}\r\n" },
		{ .raw = "{\"return\": " PAUSED ", \"id\": 1}\r\n" },
		{ .raw = "{\"return\": " PAUSED ", \"id\": {\"x\": 1}}\r\n" },
		{ .raw = "{\"return\": " PAUSED "}\r\n" },
		{ .raw = "{\"error\": {\"class\": \"GenericError\", \"desc\": "
			 "\"x\"}, \"id\": \"libvirt-8\"}\r\n" },
		{ .release = true, .reply = RUNNING },
	};

	WITH_SCRIPT(steps, running);
}

TEST(an_error_without_id_fails_no_command)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-status", .hold = true },
		{ .raw = "{\"error\": {\"class\": \"GenericError\", "
			 "\"desc\": \"JSON parse error\"}}\r\n" },
		{ .release = true, .reply = RUNNING },
	};

	WITH_SCRIPT(steps, running);
}

static void complaint_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };

	assert_int_equal(qmp_stop(q, SHORTLY, &err), -1);
	expect_err_kind(&err, ERR_TIMEOUT, "did not answer stop");
	/* once this is answered, the complaint before it has been read */
	expect_ok(qmp_yank_migration(q, SOON, &err), &err);
	assert_int_equal(qmp_cont(q, SHORTLY, &err), -1);
	expect_err_kind(&err, ERR_TIMEOUT,
			"still works on stop: JSON parse error");
}

TEST(a_timeout_quotes_an_error_without_id)
{
	static const struct fake_step steps[] = {
		{ .expect = "stop", .hold = true },
		{ .raw = "{\"error\": {\"class\": \"GenericError\", "
			 "\"desc\": \"JSON parse error\"}}\r\n" },
		{ .expect = "yank", .oob = true },
		{ .leaves = true },
	};

	WITH_SCRIPT(steps, complaint_body);
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

static const char *expected_words;
static enum err_kind expected_kind;

static void stop_fails_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };

	assert_int_equal(qmp_stop(q, SOON, &err), -1);
	expect_err_kind(&err, expected_kind, expected_words);
}

static void stop_fails(const struct fake_step *steps, size_t n,
		       enum err_kind kind, const char *words)
{
	expected_kind = kind;
	expected_words = words;
	with_script(&(struct fake_options){ .version = NULL }, steps, n,
		    stop_fails_body);
}

TEST(a_message_cut_short_is_quoted)
{
	static const struct fake_step steps[] = {
		{ .expect = "stop", .hold = true },
		{ .raw = "{\"return\": {", .close = true },
	};

	stop_fails(steps, 2, ERR_CLOSED,
		   "in the middle of a message: \"{\\\"return\\\": {\"");
}

TEST(garbage_is_quoted)
{
	static const struct fake_step steps[] = {
		{ .expect = "stop", .hold = true },
		{ .raw = "\x01 what" },
	};

	stop_fails(steps, 2, ERR_PROTOCOL,
		   "talks nonsense: not a JSON object: \"\\x01 what\"");
}

TEST(broken_json_is_quoted)
{
	static const struct fake_step steps[] = {
		{ .expect = "stop", .hold = true },
		{ .raw = "{\"return\": nan}" },
	};

	stop_fails(steps, 2, ERR_PROTOCOL, "unexpected: \"nan}\"");
}

TEST(what_is_neither_reply_nor_event_is_refused)
{
	static const struct fake_step steps[] = {
		{ .expect = "stop", .hold = true },
		{ .raw = "{\"id\": 1}" },
	};

	stop_fails(steps, 2, ERR_PROTOCOL, "neither reply nor event");
}

TEST(a_document_too_long_is_refused)
{
	static char chunk[64 * 1024 + 1];
	static const struct fake_step steps[] = {
		{ .expect = "stop", .hold = true },
		{ .raw = "{\"return\": \"" },
		{ .raw = chunk, .flood = FRAME_MAX_BYTES / (64 * 1024) },
	};

	memset(chunk, 'x', sizeof(chunk) - 1);
	stop_fails(steps, 3, ERR_PROTOCOL, "too long");
}

TEST(a_document_too_deep_is_refused)
{
	static const struct fake_step steps[] = {
		{ .expect = "stop", .hold = true },
		{ .raw = "{\"return\": " },
		{ .raw = "[[[[[[[[", .flood = FRAME_MAX_DEPTH / 8 },
	};

	stop_fails(steps, 3, ERR_PROTOCOL, "too deep");
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

/* --- descriptors --------------------------------------------------------- */

static void getfd_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	AUTO_FD int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	expect_ok(qmp_getfd(q, "wire", fd, SOON, &err), &err);
	/* ours is still open */
	assert_int_not_equal(fcntl(fd, F_GETFD), -1);
}

TEST(a_descriptor_goes_with_its_command)
{
	static const struct fake_step steps[] = {
		{ .expect = "getfd",
		  .fd = true,
		  .args = "{\"fdname\":\"wire\"}" },
	};

	WITH_SCRIPT(steps, getfd_body);
}

static void bad_fd_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	int gone = open("/dev/null", O_RDWR | O_CLOEXEC);

	close(gone);
	assert_int_equal(qmp_getfd(q, "wire", gone, SOON, &err), -1);
	expect_err_kind(&err, ERR_SYSTEM, "cannot duplicate descriptor");
	expect_status(q, "running");
}

TEST(a_closed_descriptor_is_refused_before_anything_is_sent)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-status", .reply = RUNNING },
	};

	WITH_SCRIPT(steps, bad_fd_body);
}

static void real_fd_body(struct qmp *q, struct real_qemu *r)
{
	AUTO_ERR struct err err = { 0 };
	AUTO_FD int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)r;
	expect_ok(qmp_getfd(q, "wire", fd, SOON, &err), &err);
	expect_ok(qmp_closefd(q, "wire", SOON, &err), &err);
	assert_int_equal(qmp_closefd(q, "wire", SOON, &err), -1);
	expect_err_kind(&err, ERR_QMP, "wire");
}

TEST(a_real_qemu_takes_a_descriptor_and_closes_it)
{
	with_real(NULL, real_fd_body);
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
