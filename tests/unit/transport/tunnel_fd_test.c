/* SPDX-License-Identifier: MIT */
/* tunnel_fd: a tunnel whose far end is a connected descriptor. */
#include "transport/tunnel_fd.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/in_task.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

struct carrier {
	atomic_bool broken, doomed;
	int checks;
	atomic_int released;
};

static int carrier_check(void *arg, struct err *err)
{
	struct carrier *c = arg;

	/* it dies a while after its socket */
	if (c->doomed && c->checks++ > 0)
		c->broken = true;
	return c->broken ? err_set(err, ERR_NETWORK, "ssh has died") : 0;
}

static void carrier_release(void *arg)
{
	((struct carrier *)arg)->released++;
}

static const struct tunnel_fd_carrier carrier_ops = {
	.check = carrier_check,
	.release = carrier_release,
};

/* QEMU ─ local │ tunnel │ far ─ QEMU */
struct setup {
	struct tunnel *tunnel;
	int local, far;
};

static void set_up(struct setup *s, struct carrier *c)
{
	int near_pair[2], far_pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				    near_pair),
			 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				    far_pair),
			 0);
	s->local = near_pair[0];
	s->far = far_pair[0];
	s->tunnel = tunnel_fd_new("hostb", far_pair[1], c ? &carrier_ops : NULL,
				  c, IN_TASK_SOON, NULL);
	assert_non_null(s->tunnel);
	assert_int_equal(tunnel_start(s->tunnel, near_pair[1], 0, NULL), 0);
}

static void tear_down(struct setup *s)
{
	tunnel_free(s->tunnel);
	close(s->local);
	close(s->far);
}

static void wait_end(const struct setup *s)
{
	assert_int_equal(task_wait_fd(tunnel_end_fd(s->tunnel), EPOLLIN,
				      IN_TASK_SOON, NULL),
			 0);
}

static void expect_verdict(const struct setup *s, enum err_kind kind,
			   const char *words)
{
	struct err err = { 0 };

	wait_end(s);
	assert_int_equal(tunnel_verdict(s->tunnel, &err), -1);
	expect_err_kind(&err, kind, words);
}

/* --- both ways at once, in pieces of chance ------------------------------ */

enum { FLOW_BYTES = 16 << 20, PIECE_MAX = 200000 };

struct flow {
	int fd;
	unsigned int seed;
	bool ok;
};

static unsigned char flow_byte(size_t i)
{
	return (unsigned char)(i * 2654435761u >> 15);
}

static void *flow_out(void *arg)
{
	struct flow *f = arg;
	unsigned char *data = xmalloc(PIECE_MAX);
	size_t done = 0;

	while (done < FLOW_BYTES) {
		size_t n = 1 + (size_t)rand_r(&f->seed) % PIECE_MAX;
		ssize_t sent;

		if (n > FLOW_BYTES - done)
			n = FLOW_BYTES - done;
		for (size_t i = 0; i < n; i++)
			data[i] = flow_byte(done + i);
		sent = send(f->fd, data, n, MSG_NOSIGNAL);
		if (sent <= 0)
			break;
		done += (size_t)sent;
	}
	f->ok = done == FLOW_BYTES;
	(void)shutdown(f->fd, SHUT_WR);
	free(data);
	return NULL;
}

static void *flow_in(void *arg)
{
	struct flow *f = arg;
	unsigned char *data = xmalloc(PIECE_MAX);
	size_t done = 0;
	ssize_t n;

	f->ok = true;
	while ((n = read(f->fd, data,
			 1 + (size_t)rand_r(&f->seed) % PIECE_MAX)) > 0) {
		for (size_t i = 0; i < (size_t)n; i++)
			f->ok &= data[i] == flow_byte(done + i);
		done += (size_t)n;
	}
	f->ok &= done == FLOW_BYTES;
	free(data);
	return NULL;
}

IN_TASK(every_byte_arrives_both_ways_at_once)
{
	struct flow f[4] = { 0 };
	struct tunnel_stats stats;
	pthread_t thread[4];
	struct setup s;

	set_up(&s, NULL);
	for (unsigned int i = 0; i < 4; i++) {
		f[i].fd = i < 2 ? s.local : s.far;
		f[i].seed = i;
		pthread_create(&thread[i], NULL, i % 2 ? flow_in : flow_out,
			       &f[i]);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(thread[i], NULL);
		assert_true(f[i].ok);
	}
	wait_end(&s);
	assert_int_equal(tunnel_verdict(s.tunnel, NULL), 0);
	tunnel_stats(s.tunnel, &stats);
	assert_int_equal(stats.sent_bytes, FLOW_BYTES);
	assert_int_equal(stats.received_bytes, FLOW_BYTES);
	tear_down(&s);
}

/* --- ends ---------------------------------------------------------------- */

IN_TASK(a_far_side_that_is_gone_is_closed)
{
	struct setup s;
	char byte;

	set_up(&s, NULL);
	close(s.far);
	s.far = -1;
	assert_int_equal(read(s.local, &byte, 1), 0);
	(void)!send(s.local, "x", 1, MSG_NOSIGNAL);
	expect_verdict(&s, ERR_CLOSED, "far side: Broken pipe");
	tear_down(&s);
}

IN_TASK(a_far_side_that_drops_bytes_is_a_reset)
{
	struct setup s;

	set_up(&s, NULL);
	assert_int_equal(write(s.local, "unread", 6), 6);
	assert_int_equal(task_wait_fd(s.far, EPOLLIN, IN_TASK_SOON, NULL), 0);
	close(s.far);
	s.far = -1;
	expect_verdict(&s, ERR_CLOSED, "Connection reset");
	tear_down(&s);
}

IN_TASK(the_end_of_a_sound_carrier_is_an_end)
{
	struct carrier c = { 0 };
	struct setup s;

	set_up(&s, &c);
	shutdown(s.far, SHUT_WR);
	shutdown(s.local, SHUT_WR);
	wait_end(&s);
	assert_int_equal(tunnel_verdict(s.tunnel, NULL), 0);
	tear_down(&s);
	assert_int_equal(c.released, 1);
}

IN_TASK(the_end_of_a_broken_carrier_is_a_failure)
{
	struct carrier c = { 0 };
	struct setup s;

	set_up(&s, &c);
	c.broken = true;
	close(s.far);
	s.far = -1;
	expect_verdict(&s, ERR_NETWORK, "ssh has died");
	tear_down(&s);
	assert_int_equal(c.released, 1);
}

IN_TASK(a_carrier_that_dies_after_its_socket_is_a_failure)
{
	struct carrier c = { 0 };
	struct setup s;

	set_up(&s, &c);
	shutdown(s.local, SHUT_WR);
	c.doomed = true;
	close(s.far);
	s.far = -1;
	expect_verdict(&s, ERR_NETWORK, "ssh has died");
	tear_down(&s);
}

IN_TASK(a_write_to_a_dying_carrier_has_the_carriers_words)
{
	struct carrier c = { 0 };
	struct setup s;
	char data[4096] = { 0 };

	set_up(&s, &c);
	while (send(s.local, data, sizeof(data), MSG_DONTWAIT) > 0)
		;
	c.doomed = true;
	close(s.far);
	s.far = -1;
	expect_verdict(&s, ERR_NETWORK, "ssh has died");
	tear_down(&s);
}

IN_TASK(a_carrier_that_breaks_silently_is_noticed)
{
	struct carrier c = { 0 };
	struct setup s;

	set_up(&s, &c);
	c.broken = true;
	expect_verdict(&s, ERR_NETWORK, "ssh has died");
	tear_down(&s);
}

IN_TASK(a_carrier_is_released_without_a_start)
{
	struct carrier c = { 0 };
	int pair[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	tunnel_free(tunnel_fd_new("hostb", pair[0], &carrier_ops, &c,
				  IN_TASK_SOON, NULL));
	assert_int_equal(c.released, 1);
	close(pair[1]);
}

IN_TASK(a_kill_ends_it_while_the_far_side_reads_nothing)
{
	char data[4096] = { 0 };
	struct setup s;

	set_up(&s, NULL);
	while (send(s.local, data, sizeof(data), MSG_DONTWAIT) > 0)
		;
	tunnel_kill(s.tunnel);
	expect_verdict(&s, ERR_CANCELLED, "closed");
	tear_down(&s);
}

/* --- what may wait to be sent --------------------------------------------- */

static int tcp_socket(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len),
			 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, len), 0);
	close_fd(listener);
	return fd;
}

static int option_of(int fd, int level, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);

	assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

IN_TASK(a_tcp_connection_keeps_its_buffer_and_parks_little)
{
	int fd = tcp_socket(), seen = dup(fd);
	int buffer = option_of(fd, SOL_SOCKET, SO_SNDBUF);
	struct tunnel *t =
		tunnel_fd_new("hostb", fd, NULL, NULL, IN_TASK_SOON, NULL);

	assert_non_null(t);
	assert_int_equal(option_of(seen, SOL_SOCKET, SO_SNDBUF), buffer);
	assert_int_equal(option_of(seen, IPPROTO_TCP, TCP_NOTSENT_LOWAT),
			 128 * 1024);
	tunnel_free(t);
	close_fd(seen);
}
