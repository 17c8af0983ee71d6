/* SPDX-License-Identifier: MIT */
/* tunnel: what watches an endpoint, with a relay between two sockets. */
#include "transport/tunnel.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/in_task.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/endpoint_child.h"

/* --- a tunnel with both ends in hand -------------------------------------- */

enum { BIG = 4 << 20 };

struct setup {
	struct endpoint_child *child;
	struct endpoint_subject subject;
	struct tunnel *tunnel;
	int local;  /* QEMU's end */
	int inside; /* the tunnel's, before the start */
	int far;
	int released;
};

static void release(void *arg)
{
	struct setup *s = arg;

	endpoint_child_forget(s->child, &s->subject);
	endpoint_child_close(s->child);
	s->released++;
}

static void make_pair(int *ours, int *theirs)
{
	int pair[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	*ours = pair[0];
	*theirs = pair[1];
}

static void prepare(struct setup *s)
{
	const struct endpoint_words relay = { .word = CONTROL_RELAY };
	struct err err = { 0 };
	int peer;

	*s = (struct setup){ .local = -1 };
	make_pair(&s->far, &peer);
	make_pair(&s->local, &s->inside);
	s->child = endpoint_child_start("hostb", peer, &err);
	if (!s->child)
		fail_with_err(&err);
	endpoint_child_begin_login(s->child, &s->subject);
	if (endpoint_child_ask(s->child, &s->subject, &relay,
			       CONTROL_BIT(HELLO), IN_TASK_SOON, &err) < 0)
		fail_with_err(&err);
	s->tunnel = tunnel_new(&(struct tunnel_spec){
		.host = "hostb",
		.child = s->child,
		.subject = &s->subject,
		.carrier = s,
		.release = release,
	});
}

static void start(struct setup *s, int stall_ms)
{
	assert_int_equal(tunnel_start(s->tunnel, s->inside, stall_ms, NULL), 0);
}

static void begin(struct setup *s, int stall_ms)
{
	prepare(s);
	start(s, stall_ms);
}

static void finish(struct setup *s)
{
	tunnel_free(s->tunnel);
	assert_int_equal(s->released, 1);
	close_fd(s->local);
	close_fd(s->far);
}

static void wait_end(const struct setup *s)
{
	struct err err = { 0 };

	if (task_wait_fd(tunnel_end_fd(s->tunnel), EPOLLIN, IN_TASK_SOON,
			 &err) < 0)
		fail_with_err(&err);
}

static void expect_verdict(const struct setup *s, enum err_kind kind,
			   const char *words)
{
	struct err err = { 0 };

	wait_end(s);
	assert_int_equal(tunnel_verdict(s->tunnel, &err), -1);
	expect_err_kind(&err, kind, words);
}

static void expect_read(int fd, const char *text)
{
	char got[64] = "";
	size_t len = strlen(text);

	assert_int_equal(recv(fd, got, len, MSG_WAITALL), len);
	assert_string_equal(got, text);
}

static void expect_end(int fd)
{
	char byte;

	assert_int_equal(task_wait_fd(fd, EPOLLIN, IN_TASK_SOON, NULL), 0);
	assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), 0);
}

/* Writes until nothing more is taken for a while; how much was. */
static size_t fill(int fd)
{
	static const char data[64 * 1024];
	size_t sent = 0;

	for (int quiet = 0; quiet < 10; quiet++) {
		ssize_t n = send(fd, data, sizeof(data),
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0) {
			sent += (size_t)n;
			quiet = 0;
		} else {
			(void)task_sleep_until(mono_in_ms(5), NULL);
		}
	}
	return sent;
}

/* --- bytes ---------------------------------------------------------------- */

IN_TASK(a_pair_of_its_own_leads_through)
{
	struct setup s;

	prepare(&s);
	close(s.local);
	close(s.inside);
	s.local = tunnel_start_pair(s.tunnel, 0, NULL);
	assert_true(s.local >= 0);
	assert_int_equal(write(s.local, "there", 5), 5);
	expect_read(s.far, "there");
	assert_int_equal(write(s.far, "back", 4), 4);
	expect_read(s.local, "back");
	finish(&s);
}

IN_TASK(the_counters_show_what_moved)
{
	struct tunnel_stats stats;
	struct setup s;

	prepare(&s);
	tunnel_stats(s.tunnel, &stats);
	assert_int_equal(stats.sent_bytes, 0);
	assert_false(stats.ended);
	start(&s, 0);
	assert_int_equal(write(s.local, "12345", 5), 5);
	expect_read(s.far, "12345");
	assert_int_equal(write(s.far, "abc", 3), 3);
	expect_read(s.local, "abc");
	/* counted right after they were given away */
	do
		tunnel_stats(s.tunnel, &stats);
	while (stats.sent_bytes < 5 || stats.received_bytes < 3);
	assert_int_equal(stats.sent_bytes, 5);
	assert_int_equal(stats.received_bytes, 3);
	assert_false(mono_before(mono_now(), stats.progress));
	assert_true(stats.progress.us > 0);
	finish(&s);
}

IN_TASK(what_is_parked_inside_is_bounded)
{
	struct setup s;

	begin(&s, 0);
	/* two sockets' buffers, and what the endpoint holds */
	assert_in_range(fill(s.local), 1, 1 << 20);
	finish(&s);
}

/* --- ends ----------------------------------------------------------------- */

IN_TASK(the_far_side_sees_our_end_and_may_go_on)
{
	struct setup s;

	begin(&s, 0);
	shutdown(s.local, SHUT_WR);
	expect_end(s.far);
	assert_int_equal(write(s.far, "late", 4), 4);
	expect_read(s.local, "late");
	close_fd(steal_fd(&s.far));
	wait_end(&s);
	assert_int_equal(tunnel_verdict(s.tunnel, NULL), 0);
	finish(&s);
}

IN_TASK(we_see_the_far_end_and_may_go_on)
{
	struct setup s;

	begin(&s, 0);
	shutdown(s.far, SHUT_WR);
	expect_end(s.local);
	assert_int_equal(write(s.local, "more", 4), 4);
	expect_read(s.far, "more");
	shutdown(s.local, SHUT_WR);
	wait_end(&s);
	assert_int_equal(tunnel_verdict(s.tunnel, NULL), 0);
	finish(&s);
}

IN_TASK(bytes_for_a_qemu_that_is_gone_end_it)
{
	struct setup s;

	begin(&s, 0);
	close_fd(steal_fd(&s.local));
	expect_end(s.far);
	assert_int_equal(write(s.far, "for nobody", 10), 10);
	expect_verdict(&s, ERR_CLOSED, "local socket: Broken pipe");
	finish(&s);
}

/* Which a UNIX socket is when it is closed with something unread. */
IN_TASK(a_qemu_that_resets_its_socket_is_one_that_is_gone)
{
	struct setup s;

	begin(&s, 0);
	assert_int_equal(write(s.far, "unread", 6), 6);
	assert_int_equal(task_wait_fd(s.local, EPOLLIN, IN_TASK_SOON, NULL), 0);
	close_fd(steal_fd(&s.local));
	expect_verdict(&s, ERR_CLOSED, "read from the local socket");
	finish(&s);
}

IN_TASK(an_endpoint_that_is_killed_is_a_lost_connection)
{
	struct err err = { 0 };
	struct setup s;

	begin(&s, 0);
	kill(endpoint_child_pid(s.child), SIGKILL);
	expect_end(s.local);
	wait_end(&s);
	assert_int_equal(tunnel_verdict(s.tunnel, &err), -1);
	assert_string_equal(err_host_of(&err), "hostb");
	expect_err_kind(&err, ERR_NETWORK, "signal 9");
	finish(&s);
}

IN_TASK(the_verdict_can_be_asked_for_again)
{
	struct setup s;

	begin(&s, 0);
	kill(endpoint_child_pid(s.child), SIGKILL);
	for (int i = 0; i < 2; i++)
		expect_verdict(&s, ERR_NETWORK, "lost");
	assert_int_equal(tunnel_verdict(s.tunnel, NULL), -1);
	finish(&s);
}

/* --- stalls --------------------------------------------------------------- */

IN_TASK(a_far_side_that_takes_nothing_closes_our_socket)
{
	struct err err = { 0 };
	struct setup s;

	begin(&s, 0);
	(void)fill(s.local);
	tunnel_set_stall(s.tunnel, 20);
	wait_end(&s);
	assert_int_equal(tunnel_verdict(s.tunnel, &err), -1);
	assert_string_equal(err_host_of(&err), "hostb");
	expect_err_kind(&err, ERR_TIMEOUT,
			"the far side took no byte for 20 ms");
	while (send(s.local, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0 ||
	       errno == EAGAIN)
		(void)task_sleep_until(mono_in_ms(1), NULL);
	assert_int_equal(errno, EPIPE);
	finish(&s);
}

/* Nothing else runs in this process between the two. */
IN_TASK(a_stall_is_known_before_qemu_sees_the_end)
{
	struct pollfd p = { .events = POLLRDHUP };
	struct setup s;

	begin(&s, 0);
	(void)fill(s.local);
	tunnel_set_stall(s.tunnel, 20);
	p.fd = s.local;
	while (!tunnel_has_stalled(s.tunnel)) {
		assert_int_equal(poll(&p, 1, 0), 0);
		(void)task_sleep_until(mono_in_ms(1), NULL);
	}
	finish(&s);
}

IN_TASK(a_tunnel_that_ends_of_something_else_has_not_stalled)
{
	struct setup s;

	begin(&s, 60000);
	assert_false(tunnel_has_stalled(s.tunnel));
	tunnel_kill(s.tunnel);
	wait_end(&s);
	assert_false(tunnel_has_stalled(s.tunnel));
	finish(&s);
}

IN_TASK(a_qemu_that_reads_nothing_stalls_as_well)
{
	struct setup s;

	begin(&s, 0);
	(void)fill(s.far);
	tunnel_set_stall(s.tunnel, 20);
	expect_verdict(&s, ERR_TIMEOUT, "the QEMU on this side took no byte");
	finish(&s);
}

IN_TASK(a_stopped_endpoint_is_a_stall)
{
	struct setup s;

	begin(&s, 100);
	kill(endpoint_child_pid(s.child), SIGSTOP);
	expect_end(s.local);
	assert_true(tunnel_has_stalled(s.tunnel));
	expect_verdict(&s, ERR_TIMEOUT, "does not go on");
	finish(&s);
}

IN_TASK(with_nothing_to_move_there_is_no_stall)
{
	struct tunnel_stats stats;
	struct setup s;

	begin(&s, 5);
	(void)task_sleep_until(mono_in_ms(200), NULL);
	tunnel_stats(s.tunnel, &stats);
	assert_false(stats.ended);
	finish(&s);
}

IN_TASK(without_a_limit_there_is_no_stall)
{
	struct tunnel_stats stats;
	struct setup s;

	begin(&s, 0);
	(void)fill(s.local);
	(void)task_sleep_until(mono_in_ms(100), NULL);
	tunnel_stats(s.tunnel, &stats);
	assert_false(stats.ended);
	finish(&s);
}

/* --- kill ----------------------------------------------------------------- */

IN_TASK(a_kill_closes_our_socket_while_the_far_side_is_stuck)
{
	struct setup s;

	begin(&s, 0);
	(void)fill(s.local);
	tunnel_kill(s.tunnel);
	tunnel_kill(s.tunnel);
	assert_int_equal(task_wait_fd(s.local, EPOLLIN, IN_TASK_SOON, NULL), 0);
	expect_verdict(&s, ERR_CANCELLED, "closed");
	finish(&s);
}

IN_TASK(a_kill_reaches_an_endpoint_that_is_stopped)
{
	struct setup s;

	begin(&s, 0);
	kill(endpoint_child_pid(s.child), SIGSTOP);
	tunnel_kill(s.tunnel);
	expect_end(s.local);
	expect_verdict(&s, ERR_CANCELLED, "closed");
	finish(&s);
}

IN_TASK(a_tunnel_that_never_started_releases_its_carrier)
{
	struct setup s;

	prepare(&s);
	assert_int_equal(tunnel_end_fd(s.tunnel), -1);
	finish(&s);
	close(s.inside);
	tunnel_free(NULL);
}

IN_TASK(freeing_ends_a_tunnel_that_runs)
{
	struct setup s;

	begin(&s, 0);
	assert_true(send(s.local, "bytes", 5, MSG_NOSIGNAL) == 5);
	finish(&s);
}

/* --- manners -------------------------------------------------------------- */

static double cpu_ms(const struct setup *s)
{
	struct timespec t = { 0 };
	clockid_t clock;

	assert_int_equal(
		clock_getcpuclockid(endpoint_child_pid(s->child), &clock), 0);
	assert_int_equal(clock_gettime(clock, &t), 0);
	return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1e6;
}

/* CPU time: other load on the machine does not count. */
static void expect_no_spin(struct setup *s)
{
	double before = cpu_ms(s);

	(void)task_sleep_until(mono_in_ms(500), NULL);
	assert_true(cpu_ms(s) - before < 50);
}

IN_TASK(an_idle_tunnel_does_not_spin)
{
	struct setup s;

	begin(&s, 0);
	expect_no_spin(&s);
	finish(&s);
}

IN_TASK(a_blocked_tunnel_does_not_spin)
{
	struct setup s;

	begin(&s, 0);
	(void)fill(s.local);
	(void)fill(s.far);
	expect_no_spin(&s);
	finish(&s);
}

IN_TASK(a_tunnel_whose_ends_hung_up_does_not_spin)
{
	struct setup s;

	begin(&s, 0);
	close_fd(steal_fd(&s.local));
	expect_no_spin(&s);
	finish(&s);
	begin(&s, 0);
	close_fd(steal_fd(&s.far));
	expect_no_spin(&s);
	finish(&s);
}
