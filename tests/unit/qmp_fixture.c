/* SPDX-License-Identifier: MIT */
/* qmp_fixture: runs a test's body in a task, with a session. */
#include "tests/unit/qmp_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"
#include "transport/base/loop.h"
#include "transport/base/xalloc.h"
#include "transport/stream_fd.h"

void expect_ok(int result, struct err *err)
{
	AUTO_FREE char *text = err_text(err);

	if (result != 0)
		fail_msg("%s", text);
	assert_int_equal(err->kind, ERR_NONE);
}

/* All listeners wake it: the waiting task looks again. */
static struct waitq arrived;

struct qmp_listener *listen_to(struct qmp *q)
{
	return qmp_listen(q, &arrived);
}

struct qmp_event *next_event(struct qmp *q, struct qmp_listener *l,
			     struct mono deadline, struct err *err)
{
	for (;;) {
		struct qmp_event *e = qmp_listener_take(l);

		if (e)
			return e;
		if (qmp_check(q, err) < 0 ||
		    task_wait_queue(&arrived, deadline, err) < 0)
			return NULL;
	}
}

struct scripted {
	struct fake_qemu *fake;
	void (*body)(struct qmp *q);
};

static void scripted_task(void *arg)
{
	const struct scripted *s = arg;
	int fd = fake_qemu_take_fd(s->fake);
	AUTO_ERR struct err err = { 0 };
	struct qmp *q;

	q = qmp_open(stream_fd_new(fd, fd), "source", SOON, &err);
	expect_ok(q ? 0 : -1, &err);
	s->body(q);
	qmp_close(q);
}

void with_script(const struct fake_options *options,
		 const struct fake_step *steps, size_t n,
		 void (*body)(struct qmp *q))
{
	struct scripted s = {
		.fake = fake_qemu_start(options, steps, n),
		.body = body,
	};
	char *problem;

	in_task(scripted_task, &s);
	problem = fake_qemu_end(s.fake);
	if (problem)
		fail_msg("%s", problem);
}

struct real {
	struct real_qemu *qemu;
	void (*body)(struct qmp *q, struct real_qemu *r);
};

static void real_task(void *arg)
{
	const struct real *s = arg;
	AUTO_ERR struct err err = { 0 };
	struct stream *stream;
	struct qmp *q;

	stream = stream_fd_connect_unix(real_qemu_socket(s->qemu), SOON, &err);
	expect_ok(stream ? 0 : -1, &err);
	q = qmp_open(stream, "source", SOON, &err);
	expect_ok(q ? 0 : -1, &err);
	s->body(q, s->qemu);
	qmp_close(q);
}

void with_real(const char *const *extra,
	       void (*body)(struct qmp *q, struct real_qemu *r))
{
	struct real s = { .qemu = real_qemu_start(extra), .body = body };

	if (!s.qemu) {
		print_message("no qemu-system-x86_64 here\n");
		skip();
	}
	in_task(real_task, &s);
	real_qemu_end(s.qemu);
}
