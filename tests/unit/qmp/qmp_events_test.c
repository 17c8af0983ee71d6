/* SPDX-License-Identifier: MIT */
/* qmp_events: what listeners get, and the limits on what is unread. */
#include <stdio.h>
#include <string.h>

#include "qmp/json.h"
#include "qmp/qmp_status.h"
#include "tests/unit/qmp_fixture.h"
#include "tests/unit/test.h"
#include "transport/base/buf.h"
#include "transport/base/xalloc.h"

static void expect_event(struct qmp *q, struct qmp_listener *l,
			 const char *name)
{
	AUTO_ERR struct err err = { 0 };
	struct qmp_event *e = next_event(q, l, SOON, &err);

	expect_ok(e ? 0 : -1, &err);
	assert_string_equal(e->name, name);
	qmp_event_free(e);
}

static void order_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	struct qmp_listener *l = listen_to(q);

	expect_ok(qmp_stop(q, SOON, &err), &err);
	expect_ok(qmp_cont(q, SOON, &err), &err);
	expect_event(q, l, "STOP");
	expect_event(q, l, "RESUME");
	expect_event(q, l, "RESET");
	qmp_listener_free(l);
}

TEST(events_come_in_order_and_between_replies)
{
	static const struct fake_step steps[] = {
		{ .expect = "stop", .event = "STOP" },
		{ .expect = "cont", .event = "RESUME" },
		{ .event =
			  "RESET {\"guest\":true,\"reason\":\"guest-reset\"}" },
	};

	WITH_SCRIPT(steps, order_body);
}

static void content_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	struct mono before = mono_now();
	struct qmp_listener *l = listen_to(q);
	const char *status = "";
	struct qmp_event *e;

	expect_ok(qmp_stop(q, SOON, &err), &err);
	e = qmp_listener_take(l);
	assert_non_null(e);
	expect_ok(json_get_str((struct json_at){ e->data, e->name }, "status",
			       &status, &err),
		  &err);
	assert_string_equal(status, "active");
	assert_true(e->stamp.us == INT64_C(1700000000000042));
	assert_false(mono_before(e->received, before));
	assert_false(mono_before(mono_now(), e->received));
	qmp_event_free(e);
	assert_null(qmp_listener_take(l));
	qmp_listener_free(l);
}

TEST(an_event_carries_its_data_and_both_times)
{
	static const struct fake_step steps[] = {
		{ .expect = "stop",
		  .event = "MIGRATION {\"status\":\"active\"}" },
	};

	WITH_SCRIPT(steps, content_body);
}

static void copies_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	struct qmp_listener *a = listen_to(q);
	struct qmp_listener *b = listen_to(q);
	struct qmp_listener *late;

	expect_ok(qmp_stop(q, SOON, &err), &err);
	late = listen_to(q);
	expect_ok(qmp_cont(q, SOON, &err), &err);
	expect_event(q, a, "STOP");
	qmp_listener_free(a);
	expect_event(q, b, "STOP");
	expect_event(q, b, "RESUME");
	expect_event(q, late, "RESUME");
	qmp_listener_free(late);
	qmp_listener_free(b);
}

TEST(each_listener_gets_all_events_since_it_began)
{
	static const struct fake_step steps[] = {
		{ .expect = "stop", .event = "STOP" },
		{ .expect = "cont", .event = "RESUME" },
	};

	WITH_SCRIPT(steps, copies_body);
}

struct watcher {
	struct qmp_listener *listener;
	struct waitq wake;
	int woken;
};

static void watch(void *arg)
{
	struct watcher *w = arg;

	while (task_wait_queue(&w->wake, SOON, NULL) == 0 && ++w->woken < 2)
		;
}

static void wake_body(struct qmp *q)
{
	struct watcher w = { .woken = 0 };
	struct task *t;

	w.listener = qmp_listen(q, &w.wake);
	t = task_start(task_loop(), "watch", watch, &w);
	while (!w.wake.first)
		task_yield();
	assert_int_equal(qmp_stop(q, SOON, NULL), 0);
	task_yield();
	assert_int_equal(w.woken, 1);
	assert_int_equal(qmp_cont(q, SOON, NULL), -1);
	task_join(t);
	assert_int_equal(w.woken, 2);
	qmp_listener_free(w.listener);
}

TEST(an_event_and_a_failure_wake_the_listeners_queue)
{
	static const struct fake_step steps[] = {
		{ .expect = "stop", .event = "STOP" },
		{ .expect = "cont", .close = true },
	};

	WITH_SCRIPT(steps, wake_body);
}

static void failure_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	struct qmp_listener *l = listen_to(q);

	assert_int_equal(qmp_stop(q, SOON, &err), -1);
	expect_err_kind(&err, ERR_CLOSED, "no answer to stop");
	expect_event(q, l, "STOP");
	assert_null(next_event(q, l, SOON, &err));
	expect_err_kind(&err, ERR_CLOSED, "closed its monitor");
	qmp_listener_free(l);
}

TEST(events_before_a_failure_are_still_delivered)
{
	static const struct fake_step steps[] = {
		{ .expect = "stop", .event = "STOP", .close = true },
	};

	WITH_SCRIPT(steps, failure_body);
}

static void flood_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	struct qmp_listener *l = listen_to(q);

	assert_int_equal(qmp_stop(q, SOON, &err), -1);
	expect_err_kind(&err, ERR_PROTOCOL, "events (");
	qmp_listener_free(l);
}

TEST(more_unread_events_than_the_limit_fail_the_session)
{
	static const struct fake_step steps[] = {
		{ .expect = "stop", .hold = true },
		{ .raw = "{\"event\":\"X\"}\n", .flood = QMP_MAX_EVENTS },
	};

	WITH_SCRIPT(steps, flood_body);
}

static void limit_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	struct qmp_listener *l = listen_to(q);

	expect_ok(qmp_stop(q, SOON, &err), &err);
	for (int i = 0; i < QMP_MAX_EVENTS; i++)
		expect_event(q, l, "X");
	assert_null(qmp_listener_take(l));
	qmp_listener_free(l);
}

TEST(as_many_unread_events_as_the_limit_are_kept)
{
	static const struct fake_step steps[] = {
		{ .expect = "stop", .hold = true },
		{ .raw = "{\"event\":\"X\"}\n", .flood = QMP_MAX_EVENTS - 1 },
		{ .release = true },
	};

	WITH_SCRIPT(steps, limit_body);
}

static void huge_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	struct qmp_listener *l = listen_to(q);

	assert_int_equal(qmp_stop(q, SOON, &err), -1);
	expect_err_kind(&err, ERR_PROTOCOL, "that nobody read");
	qmp_listener_free(l);
}

/* A few hundred bytes of memory for each two of text. */
TEST(few_unread_events_that_take_much_memory_fail_the_session)
{
	static char event[256 * 1024];
	static const struct fake_step steps[] = {
		{ .expect = "stop", .hold = true },
		{ .raw = event, .flood = 5 },
	};
	struct buf b = { 0 };

	buf_printf(&b, "{\"event\":\"X\",\"data\":{\"d\":[0");
	for (int i = 0; i < 20000; i++)
		buf_printf(&b, ",[]");
	buf_printf(&b, "]}}\n");
	assert_true(buf_len(&b) < sizeof(event));
	memcpy(event, buf_data(&b), buf_len(&b) + 1);
	buf_free(&b);
	WITH_SCRIPT(steps, huge_body);
}

TEST(few_huge_unread_events_fail_the_session_too)
{
	static char event[1024 * 1024 + 64];
	static const struct fake_step steps[] = {
		{ .expect = "stop", .hold = true },
		{ .raw = event, .flood = 70 },
	};
	size_t n;

	n = (size_t)sprintf(event, "{\"event\":\"X\",\"data\":{\"d\":\"");
	memset(event + n, 'x', 1024 * 1024);
	strcpy(event + n + 1024 * 1024, "\"}}");
	WITH_SCRIPT(steps, huge_body);
}

static void nameless_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };

	assert_int_equal(qmp_stop(q, SOON, &err), -1);
	expect_err_kind(&err, ERR_PROTOCOL, "event.event: expected a string");
}

TEST(an_event_that_is_malformed_fails_the_session)
{
	static const struct fake_step steps[] = {
		{ .expect = "stop", .hold = true },
		{ .raw = "{\"event\":5}" },
	};

	WITH_SCRIPT(steps, nameless_body);
}

static void no_clock_body(struct qmp *q)
{
	AUTO_ERR struct err err = { 0 };
	struct qmp_listener *l = listen_to(q);
	struct qmp_event *e;

	expect_ok(qmp_stop(q, SOON, &err), &err);
	e = qmp_listener_take(l);
	assert_non_null(e);
	assert_true(e->stamp.us == 0);
	assert_null(e->data);
	qmp_event_free(e);
	qmp_listener_free(l);
}

TEST(an_event_of_a_host_without_clock_has_stamp_zero)
{
	static const struct fake_step steps[] = {
		{ .expect = "stop", .hold = true },
		{ .raw = "{\"event\":\"STOP\",\"timestamp\":{\"seconds\":-1,"
			 "\"microseconds\":-1}}\n" },
		{ .release = true },
	};

	WITH_SCRIPT(steps, no_clock_body);
}
