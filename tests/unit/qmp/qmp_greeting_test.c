/* SPDX-License-Identifier: MIT */
/* qmp_greeting: what may answer instead of a monitor that is free. */
#include <unistd.h>

#include "qmp/qmp.h"
#include "tests/unit/qmp_fixture.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"
#include "transport/stream_fd.h"

#define GREETING                                                               \
	"{\"QMP\":{\"version\":{\"qemu\":{\"micro\":22,\"minor\":2,\"major\":" \
	"7},"                                                                  \
	"\"package\":\"p\"},\"capabilities\":[]}}\r\n"

/* What the peer does, and how an attempt to open a session must end. */
struct attempt {
	const struct fake_step *steps;
	size_t n;
	int deadline_ms;
	enum err_kind kind;
	const char *words;

	struct fake_qemu *fake;
};

static void attempt_task(void *arg)
{
	const struct attempt *a = arg;
	int fd = fake_qemu_take_fd(a->fake);
	AUTO_ERR struct err err = { 0 };
	struct qmp *q;

	q = qmp_open(stream_fd_new(fd, fd), "source",
		     mono_in_ms(a->deadline_ms), &err);
	if (q) {
		qmp_close(q);
		fail_msg("opened");
	}
	expect_err_kind(&err, a->kind, a->words);
}

static void expect_refusal(struct attempt a)
{
	struct fake_options options = { .manual = true };
	AUTO_FREE char *problem = NULL;

	if (!a.deadline_ms)
		a.deadline_ms = 20000;
	a.fake = fake_qemu_start(&options, a.steps, a.n);
	in_task(attempt_task, &a);
	problem = fake_qemu_end(a.fake);
	if (problem)
		fail_msg("%s", problem);
}

TEST(a_monitor_that_does_not_greet_is_busy)
{
	expect_refusal((struct attempt){
		.deadline_ms = 50,
		.kind = ERR_BUSY,
		.words = "in use by another client, or QEMU hangs",
	});
}

TEST(a_greeting_cut_short_is_no_greeting)
{
	static const struct fake_step steps[] = {
		{ .raw = "{\"QMP\": {" },
	};

	expect_refusal((struct attempt){
		.steps = steps,
		.n = 1,
		.deadline_ms = 1000,
		.kind = ERR_PROTOCOL,
		.words = "unfinished: \"{\\\"QMP\\\": {\"",
	});
}

TEST(endless_white_space_does_not_hold_us)
{
	static const struct fake_step steps[] = {
		{ .raw = "                                \r\n",
		  .flood = 400000 },
	};

	expect_refusal((struct attempt){
		.steps = steps,
		.n = 1,
		.deadline_ms = 100,
		.kind = ERR_BUSY,
		.words = "in use",
	});
}

TEST(another_protocol_is_quoted)
{
	static const struct fake_step steps[] = {
		{ .raw = "QEMU 7.2.22 monitor - type 'help'\r\n(qemu) " },
	};

	expect_refusal((struct attempt){
		.steps = steps,
		.n = 1,
		.kind = ERR_PROTOCOL,
		.words = "what answers at the source is not a QMP monitor: "
			 "not a JSON object: \"QEMU 7.2.22",
	});
}

TEST(another_json_protocol_is_quoted)
{
	static const struct fake_step steps[] = {
		{ .raw = "{\"hello\": 1}" },
	};

	expect_refusal((struct attempt){
		.steps = steps,
		.n = 1,
		.kind = ERR_PROTOCOL,
		.words = "no greeting: \"{\\\"hello\\\": 1}\"",
	});
}

TEST(a_greeting_without_version_is_refused)
{
	static const struct fake_step steps[] = {
		{ .raw = "{\"QMP\": {\"capabilities\": []}}" },
	};

	expect_refusal((struct attempt){
		.steps = steps,
		.n = 1,
		.kind = ERR_PROTOCOL,
		.words = "greeting.version: missing",
	});
}

TEST(a_peer_that_closes_is_unlike_a_silent_one)
{
	static const struct fake_step steps[] = { { .close = true } };

	expect_refusal((struct attempt){
		.steps = steps,
		.n = 1,
		.kind = ERR_CLOSED,
		.words = "closed its monitor",
	});
}

TEST(a_refused_negotiation_fails_the_session)
{
	static const struct fake_step steps[] = {
		{ .raw = GREETING },
		{ .expect = "qmp_capabilities", .error = "never" },
	};

	expect_refusal((struct attempt){
		.steps = steps,
		.n = 2,
		.kind = ERR_QMP,
		.words = "refused qmp_capabilities: never",
	});
}

TEST(an_unanswered_negotiation_times_out)
{
	static const struct fake_step steps[] = {
		{ .raw = GREETING },
		{ .expect = "qmp_capabilities", .hold = true },
	};

	expect_refusal((struct attempt){
		.steps = steps,
		.n = 2,
		.deadline_ms = 1000,
		.kind = ERR_TIMEOUT,
		.words = "did not answer qmp_capabilities",
	});
}

static void nothing(struct qmp *q)
{
	assert_int_equal(qmp_version(q)->major, 7);
}

TEST(stray_replies_before_the_greeting_are_dropped)
{
	static const struct fake_step steps[] = {
		{ .raw = "{\"return\": {}, \"id\": 4}\r\n" },
		{ .raw = "{\"event\": \"STOP\"}\r\n" },
		{ .raw = GREETING },
		{ .expect = "qmp_capabilities" },
	};
	struct fake_options options = { .manual = true };

	with_script(&options, steps, ARRAY_SIZE(steps), nothing);
}

static void check_version(struct qmp *q)
{
	assert_int_equal(qmp_version(q)->major, 10);
	assert_int_equal(qmp_version(q)->minor, 0);
	assert_int_equal(qmp_version(q)->micro, 2);
	assert_string_equal(qmp_version(q)->package, "scripted");
	assert_string_equal(qmp_side(q), "source");
	assert_true(qmp_has_oob(q));
}

TEST(the_greeting_has_version_and_capabilities)
{
	struct fake_options options = { .version = "10.0.2" };

	with_script(&options, NULL, 0, check_version);
}

static void check_no_oob(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };

	assert_false(qmp_has_oob(q));
	assert_int_equal(qmp_call_oob(q, "yank", NULL, NULL, SOON, &err), -1);
	expect_err_kind(&err, ERR_QMP, "takes no out-of-band commands");
}

TEST(out_of_band_is_used_only_where_it_is_offered)
{
	struct fake_options options = { .no_oob = true };

	with_script(&options, NULL, 0, check_no_oob);
}

/* --- a real one ---------------------------------------------------------- */

static void second_client(struct qmp *q, struct real_qemu *r)
{
	AUTO_ERR struct err err = { 0 };
	AUTO_FREE char *me = xasprintf("in use by pid %d (", (int)getpid());
	struct stream *s =
		stream_fd_connect_unix(real_qemu_socket(r), SOON, &err);

	(void)q;
	expect_ok(s ? 0 : -1, &err);
	assert_null(qmp_open(s, "source", mono_in_ms(300), &err));
	expect_err_kind(&err, ERR_BUSY, me);
}

TEST(a_second_client_learns_who_holds_a_real_monitor)
{
	with_real(NULL, second_client);
}
