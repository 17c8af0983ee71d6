/* SPDX-License-Identifier: MIT */
/* stream_fd_tcp: a TCP connection by name. */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/in_task.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/stream_fd.h"

/* A listener on loopback, or (backlog -1) only a port that nobody has. */
static int tcp_at_loopback(char port[8], int backlog)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	(void)snprintf(port, 8, "%d", ntohs(a.sin_port));
	if (backlog >= 0)
		assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

static int option(int fd, int level, int name)
{
	socklen_t len = sizeof(int);
	int value = -1;

	assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

IN_TASK(an_address_is_connected_with_everything_set)
{
	char port[8];
	AUTO_FD int listener = tcp_at_loopback(port, 1);
	struct err err = { 0 };
	AUTO_FD int fd =
		stream_fd_dial_tcp("127.0.0.1", port, IN_TASK_SOON, &err);

	(void)listener;
	if (fd < 0)
		fail_with_err(&err);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_true(option(fd, IPPROTO_TCP, TCP_NODELAY));
	assert_true(option(fd, SOL_SOCKET, SO_KEEPALIVE));
	assert_int_equal(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 30000);
}

IN_TASK(a_name_is_resolved_and_each_of_its_addresses_tried)
{
	char port[8];
	AUTO_FD int listener = tcp_at_loopback(port, 1);
	struct err err = { 0 };
	/* ::1 comes first where there is one, and nobody listens there */
	AUTO_FD int fd =
		stream_fd_dial_tcp("localhost", port, IN_TASK_SOON, &err);

	(void)listener;
	if (fd < 0)
		fail_with_err(&err);
}

IN_TASK(a_refusal_names_the_address_and_the_port)
{
	char port[8];
	AUTO_FD int bound = tcp_at_loopback(port, -1);
	AUTO_FREE char *words = NULL;
	struct err err = { 0 };

	(void)bound;
	words = xasprintf("cannot connect to 127.0.0.1 port %s: 127.0.0.1: "
			  "Connection refused",
			  port);
	assert_int_equal(
		stream_fd_dial_tcp("127.0.0.1", port, IN_TASK_SOON, &err), -1);
	expect_err_kind(&err, ERR_NETWORK, words);
}

IN_TASK(a_name_that_does_not_exist_is_named)
{
	struct err err = { 0 };

	assert_int_equal(stream_fd_dial_tcp("no-such-host.invalid", "22",
					    IN_TASK_SOON, &err),
			 -1);
	expect_err_kind(&err, ERR_NETWORK,
			"cannot find the address of no-such-host.invalid");
}

IN_TASK(a_lookup_can_be_left_behind)
{
	struct err err = { 0 };

	assert_int_equal(stream_fd_dial_tcp("no-such-host.invalid", "22",
					    mono_in_ms(-1), &err),
			 -1);
	assert_true(err.kind == ERR_TIMEOUT || err.kind == ERR_NETWORK);
	err_reset(&err);
}

struct dial {
	const char *host;
	const char *port;
	int fd;
	struct err err;
};

static void dial_body(void *arg)
{
	struct dial *d = arg;

	d->fd = stream_fd_dial_tcp(d->host, d->port, IN_TASK_SOON, &d->err);
}

IN_TASK(a_dial_can_be_cancelled_before_it_knows_the_address)
{
	struct dial d = { .host = "localhost", .port = "1" };
	struct task *t = task_start(task_loop(), "dial", dial_body, &d);

	task_cancel(t);
	task_join(t);
	assert_int_equal(d.fd, -1);
	expect_err_kind(&d.err, ERR_CANCELLED, "cancelled");
}

static int count_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	int n = 0;

	assert_non_null(dir);
	for (struct dirent *d; (d = readdir(dir));)
		n += d->d_name[0] != '.';
	closedir(dir);
	return n;
}

IN_TASK(a_look_up_takes_no_thread)
{
	struct dial d = { .host = "localhost", .port = "1" };
	struct task *t = task_start(task_loop(), "dial", dial_body, &d);

	task_yield();
	assert_int_equal(count_threads(), 1);
	task_cancel(t);
	task_join(t);
	expect_err_kind(&d.err, ERR_CANCELLED, "cancelled");
}

/* A listener with a full queue leaves further connections unanswered. */
static int never_answers(char port[8], int fds[2])
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);
	int listener = tcp_at_loopback(port, 0);

	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &len), 0);
	for (int i = 0; i < 2; i++) {
		fds[i] = socket(AF_INET,
				SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(fds[i], (struct sockaddr *)&a, len);
	}
	return listener;
}

IN_TASK(no_answer_is_a_timeout)
{
	char port[8];
	int fds[2];
	AUTO_FD int listener = never_answers(port, fds);
	struct err err = { 0 };

	(void)listener;
	assert_int_equal(stream_fd_dial_tcp("127.0.0.1", port, mono_in_ms(50),
					    &err),
			 -1);
	expect_err_kind(&err, ERR_TIMEOUT, "127.0.0.1: timed out");
	close(fds[0]);
	close(fds[1]);
}

IN_TASK(a_dial_can_be_cancelled_while_it_connects)
{
	char port[8];
	int fds[2];
	AUTO_FD int listener = never_answers(port, fds);
	struct dial d = { .host = "127.0.0.1", .port = port };
	struct task *t = task_start(task_loop(), "dial", dial_body, &d);

	(void)listener;
	task_yield();
	task_cancel(t);
	task_join(t);
	expect_err_kind(&d.err, ERR_CANCELLED, "cancelled");
	close(fds[0]);
	close(fds[1]);
}

IN_TASK(a_port_must_be_one)
{
	struct err err = { 0 };

	assert_int_equal(stream_fd_dial_tcp("127.0.0.1", "no-such-service",
					    IN_TASK_SOON, &err),
			 -1);
	expect_err_kind(&err, ERR_NETWORK, "127.0.0.1");
}
