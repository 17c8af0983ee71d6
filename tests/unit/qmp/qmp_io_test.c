/* SPDX-License-Identifier: MIT */
/* Tests of qmp/qmp_io.c: what is read and written, and broken peers. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "qmp/frame.h"
#include "qmp/qmp_migrate.h"
#include "qmp/qmp_status.h"
#include "tests/unit/qmp_fixture.h"
#include "tests/unit/test.h"
#include "transport/base/log.h"
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

/* --- failures ------------------------------------------------------------ */

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

static char lost[128];
static int n_lost;

static void keep_lost(void *arg, enum log_level level, const char *side,
		      const char *text)
{
	(void)arg;
	(void)level;
	(void)side;
	if (strncmp(text, "monitor lost: ", 14) != 0)
		return;
	snprintf(lost, sizeof(lost), "%s", text + 14);
	n_lost++;
}

TEST(only_a_monitor_that_was_lost_is_logged_as_lost)
{
	static const struct fake_step closes[] = {
		{ .expect = "stop", .close = true },
	};
	static const struct fake_step stays[] = {
		{ .expect = "query-status", .reply = RUNNING },
	};

	n_lost = 0;
	log_set_sink(keep_lost, NULL);
	WITH_SCRIPT(stays, running);
	assert_int_equal(n_lost, 0);
	stop_fails(closes, 1, ERR_CLOSED, "closed its monitor");
	log_set_sink(NULL, NULL);
	assert_int_equal(n_lost, 1);
	assert_string_equal(lost, "QEMU at the source closed its monitor");
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
