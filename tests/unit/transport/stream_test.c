/* SPDX-License-Identifier: MIT */
/* stream: what is common to all kinds, over a scripted one and over sockets. */
#include "transport/stream.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/in_task.h"
#include "transport/base/buf.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/stream_fd.h"

/* --- a stream that takes a byte or three at a time ----------------------- */

struct scripted {
	struct stream base;
	struct buf taken;
	size_t fail_after;
	bool closed;
};

static ssize_t scripted_write(struct stream *s, const void *data, size_t len,
			      struct mono deadline, struct err *err)
{
	struct scripted *f = (struct scripted *)s;
	size_t n = 1 + buf_len(&f->taken) % 3;

	(void)deadline;
	if (buf_len(&f->taken) >= f->fail_after)
		return err_set(err, ERR_CLOSED, "it broke");
	if (n > len)
		n = len;
	buf_append(&f->taken, data, n);
	return (ssize_t)n;
}

static void scripted_close(struct stream *s)
{
	((struct scripted *)s)->closed = true;
}

static const struct stream_ops scripted_ops = {
	.write = scripted_write,
	.close = scripted_close,
};

TEST(a_write_goes_on_until_all_is_taken)
{
	struct scripted f = { .base = { &scripted_ops }, .fail_after = 100 };

	assert_int_equal(
		stream_write(&f.base, "0123456789", 10, MONO_NEVER, NULL), 0);
	assert_string_equal(buf_data(&f.taken), "0123456789");
	buf_free(&f.taken);
}

TEST(a_write_fails_with_its_first_failure)
{
	struct scripted f = { .base = { &scripted_ops }, .fail_after = 4 };
	struct err err = { 0 };

	assert_int_equal(
		stream_write(&f.base, "0123456789", 10, MONO_NEVER, &err), -1);
	expect_err_kind(&err, ERR_CLOSED, "it broke");
	buf_free(&f.taken);
}

TEST(a_stream_that_is_no_socket_passes_no_descriptor)
{
	struct scripted f = { .base = { &scripted_ops } };
	struct err err = { 0 };

	assert_int_equal(stream_write_fd(&f.base, "x", 1, 0, MONO_NEVER, &err),
			 -1);
	expect_err_kind(&err, ERR_SYSTEM, "not a UNIX socket");
	assert_int_equal(stream_peer_pid(&f.base), -1);
}

TEST(closing_closes_and_closing_nothing_is_fine)
{
	struct scripted f = { .base = { &scripted_ops } };

	stream_close(&f.base);
	assert_true(f.closed);
	stream_close(NULL);
}

/* --- over sockets -------------------------------------------------------- */

static struct stream *pair(int *other)
{
	int s[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s),
			 0);
	*other = s[1];
	return stream_fd_new(s[0], s[0]);
}

/* Takes one message; the descriptor that came with it, or -1. */
static int take_fd(int sock, char *data, size_t size, ssize_t *n)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { data, size };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	const struct cmsghdr *c;
	int fd = -1;

	*n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	c = CMSG_FIRSTHDR(&msg);
	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

IN_TASK(a_descriptor_goes_over_with_the_first_byte)
{
	AUTO_FD int other = -1, got = -1;
	struct stream *s = pair(&other);
	char data[16] = "";
	ssize_t n;
	int p[2];

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_int_equal(
		stream_write_fd(s, "hello", 5, p[1], IN_TASK_SOON, NULL), 0);
	close(p[1]);
	got = take_fd(other, data, sizeof(data), &n);
	assert_int_equal(n, 5);
	assert_string_equal(data, "hello");
	assert_int_equal(write(got, "!", 1), 1);
	assert_int_equal(read(p[0], data, 1), 1);
	assert_int_equal(data[0], '!');
	close(p[0]);
	stream_close(s);
}

struct drain {
	int fd;
	size_t total;
	int passed;
};

static void drain_body(void *arg)
{
	struct drain *d = arg;
	char data[512];
	ssize_t n = 1;

	while (n > 0) {
		int fd = take_fd(d->fd, data, sizeof(data), &n);

		d->passed += fd >= 0;
		close_fd(fd);
		d->total += n > 0 ? (size_t)n : 0;
		task_yield();
	}
}

IN_TASK(a_descriptor_goes_over_once_however_long_the_message)
{
	enum { LEN = 1000000 };
	struct drain d = { 0 };
	struct stream *s = pair(&d.fd);
	char *data = xcalloc(1, LEN);
	struct task *t = task_start(task_loop(), "drain", drain_body, &d);

	assert_int_equal(stream_write_fd(s, data, LEN, 0, IN_TASK_SOON, NULL),
			 0);
	stream_close(s);
	task_join(t);
	assert_int_equal(d.total, LEN);
	assert_int_equal(d.passed, 1);
	close(d.fd);
	free(data);
}

IN_TASK(a_pipe_passes_no_descriptor)
{
	struct err err = { 0 };
	struct stream *s;
	int p[2];

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	s = stream_fd_new(p[0], p[1]);
	assert_int_equal(stream_write_fd(s, "x", 1, 0, IN_TASK_SOON, &err), -1);
	expect_err_kind(&err, ERR_SYSTEM, "not a UNIX socket");
	stream_close(s);
}

IN_TASK(the_peer_of_a_pair_is_who_made_it)
{
	AUTO_FD int other = -1;
	struct stream *s = pair(&other);

	assert_int_equal(stream_peer_pid(s), getpid());
	stream_close(s);
}
