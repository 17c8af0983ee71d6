/* SPDX-License-Identifier: MIT */
/* tunnel: the pump and its thread, over a scripted far end. */
#include "transport/tunnel.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/in_task.h"
#include "transport/base/xalloc.h"

/* --- the far end --------------------------------------------------------- */

enum { BEAT_MS = 2 };

/*
 * Takes and gives as asked; the pump's thread is woken through an eventfd. What
 * the pump does against the rules is counted in `broken`.
 */
struct far {
	int wake_fd;
	unsigned int seed;

	/* out: what was written */
	atomic_bool blocked;	/* takes nothing */
	bool hesitant;		/* takes pieces, and now and then nothing */
	const void *retry_data; /* must come again */
	unsigned long retry_len;
	unsigned char *taken;
	atomic_size_t n_taken;
	atomic_bool eof_taken;
	int eof_again; /* send_eof says "again" so often */

	/* in: what can be read */
	const unsigned char *given;
	atomic_size_t n_given;
	size_t n_read;
	atomic_bool give_eof;
	bool eof_read;
	atomic_bool fail_read, fail_beat;

	atomic_int beats, polls, broken;
	atomic_bool closed, hold_close;
	sigset_t mask;
};

static void poke(struct far *f)
{
	(void)eventfd_write(f->wake_fd, 1);
}

static long far_read(void *far, void *data, unsigned long len, bool *eof,
		     struct err *err)
{
	struct far *f = far;
	size_t n = atomic_load(&f->n_given) - f->n_read;

	pthread_sigmask(SIG_SETMASK, NULL, &f->mask);
	if (atomic_load(&f->fail_read))
		return err_set(err, ERR_NETWORK, "the line is dead");
	f->broken += f->eof_read;
	if (n > len)
		n = len;
	if (n && f->hesitant)
		n = (size_t)rand_r(&f->seed) % (n + 1);
	if (n)
		memcpy(data, f->given + f->n_read, n);
	f->n_read += n;
	if (f->n_read == f->n_given && f->give_eof) {
		*eof = true;
		f->eof_read = true;
	}
	return (long)n;
}

static long far_write(void *far, const void *data, unsigned long len,
		      struct err *err)
{
	struct far *f = far;
	unsigned long n = len;

	(void)err;
	if (f->retry_len && (data != f->retry_data || len != f->retry_len))
		f->broken++;
	f->retry_len = 0;
	if (f->hesitant)
		n = rand_r(&f->seed) % 3
			    ? 1 + (unsigned long)rand_r(&f->seed) % len
			    : 0;
	if (f->blocked)
		n = 0;
	if (!n) {
		f->retry_data = data;
		f->retry_len = len;
		return 0;
	}
	memcpy(f->taken + f->n_taken, data, n);
	f->n_taken += n;
	return (long)n;
}

static int far_send_eof(void *far, struct err *err)
{
	struct far *f = far;

	(void)err;
	if (f->eof_again-- > 0)
		return 1;
	f->broken += f->eof_taken || f->retry_len;
	f->eof_taken = true;
	return 0;
}

static int far_poll_fd(void *far, bool want_read, bool want_write,
		       short *events)
{
	struct far *f = far;
	eventfd_t ignored;

	(void)eventfd_read(f->wake_fd, &ignored);
	f->polls++;
	*events = want_read || want_write ? POLLIN : 0;
	if (f->hesitant)
		poke(f);
	return f->wake_fd;
}

static int far_heartbeat(void *far, struct mono now, struct mono *next,
			 struct err *err)
{
	struct far *f = far;

	f->beats++;
	*next = mono_add_ms(now, BEAT_MS);
	if (atomic_load(&f->fail_beat))
		return err_set(err, ERR_NETWORK, "no sign of life");
	return 0;
}

static void far_close(void *far)
{
	struct far *f = far;

	while (f->hold_close)
		sched_yield();
	f->closed = true;
}

static const struct tunnel_far_ops ops = {
	.read = far_read,
	.write = far_write,
	.send_eof = far_send_eof,
	.poll_fd = far_poll_fd,
	.heartbeat = far_heartbeat,
	.close = far_close,
};

/* --- a tunnel with both ends in hand ------------------------------------- */

enum { BIG = 4 << 20 };

struct setup {
	struct far far;
	struct tunnel *tunnel;
	int local;  /* QEMU's end */
	int inside; /* the tunnel's, before the start */
};

static void prepare(struct setup *s)
{
	int pair[2];

	memset(s, 0, sizeof(*s));
	s->far.wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	s->far.taken = xmalloc(BIG);
	s->tunnel = tunnel_new("hostb", &ops, &s->far);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	s->local = pair[0];
	s->inside = pair[1];
}

static void start(struct setup *s, int stall_ms)
{
	assert_int_equal(tunnel_start(s->tunnel, s->inside, stall_ms, NULL), 0);
}

static void wait_end(const struct setup *s)
{
	struct pollfd p = { .fd = tunnel_end_fd(s->tunnel), .events = POLLIN };

	assert_int_equal(poll(&p, 1, 60000), 1);
}

/* Frees all of it; the pump must have kept to the rules. */
static void finish(struct setup *s)
{
	tunnel_free(s->tunnel);
	assert_true(s->far.closed);
	assert_int_equal(s->far.broken, 0);
	if (s->local >= 0)
		close(s->local);
	close(s->far.wake_fd);
	free(s->far.taken);
}

static void expect_verdict(const struct setup *s, enum err_kind kind,
			   const char *words)
{
	struct err err = { 0 };

	wait_end(s);
	assert_int_equal(tunnel_verdict(s->tunnel, &err), -1);
	expect_err_kind(&err, kind, words);
}

/* Waits by the thread's own heartbeat: it cannot beat without having looked. */
static void let_beat(struct setup *s, int beats)
{
	int until = s->far.beats + beats;

	while (s->far.beats < until)
		sched_yield();
}

static void send_all(int fd, const unsigned char *data, size_t len)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		assert_true(n > 0);
		data += n;
		len -= (size_t)n;
	}
}

static unsigned char *some_bytes(size_t len)
{
	unsigned char *data = xmalloc(len);

	for (size_t i = 0; i < len; i++)
		data[i] = (unsigned char)(i * 2654435761u >> 11);
	return data;
}

/* --- bytes --------------------------------------------------------------- */

TEST(a_pair_of_its_own_leads_through)
{
	unsigned char *data = some_bytes(BIG);
	struct setup s;

	prepare(&s);
	close(s.local);
	close(s.inside);
	s.local = tunnel_start_pair(s.tunnel, 0, NULL);
	assert_true(s.local >= 0);
	send_all(s.local, data, BIG);
	shutdown(s.local, SHUT_WR);
	s.far.give_eof = true;
	wait_end(&s);
	assert_int_equal(tunnel_verdict(s.tunnel, NULL), 0);
	assert_int_equal(s.far.n_taken, BIG);
	assert_memory_equal(s.far.taken, data, BIG);
	finish(&s);
	free(data);
}

TEST(bytes_go_out_in_order_whatever_the_pieces)
{
	unsigned char *data = some_bytes(BIG);
	struct setup s;

	prepare(&s);
	s.far.hesitant = true;
	start(&s, 0);
	send_all(s.local, data, BIG);
	shutdown(s.local, SHUT_WR);
	s.far.give_eof = true;
	wait_end(&s);
	assert_int_equal(tunnel_verdict(s.tunnel, NULL), 0);
	assert_int_equal(s.far.n_taken, BIG);
	assert_memory_equal(s.far.taken, data, BIG);
	assert_true(s.far.eof_taken);
	finish(&s);
	free(data);
}

TEST(bytes_come_in_in_order_whatever_the_pieces)
{
	unsigned char *data = some_bytes(BIG), *got = xmalloc(BIG + 1);
	size_t done = 0;
	struct setup s;
	ssize_t n;

	prepare(&s);
	s.far.hesitant = true;
	s.far.given = data;
	s.far.n_given = BIG;
	s.far.give_eof = true;
	start(&s, 0);
	while ((n = read(s.local, got + done,
			 BIG - done < 7777 ? BIG - done + 1 : 7777)) > 0)
		done += (size_t)n;
	assert_int_equal(done, BIG);
	assert_memory_equal(got, data, BIG);
	shutdown(s.local, SHUT_WR);
	wait_end(&s);
	assert_int_equal(tunnel_verdict(s.tunnel, NULL), 0);
	finish(&s);
	free(data);
	free(got);
}

TEST(the_counters_show_what_moved)
{
	static const unsigned char in[] = "abc";
	struct tunnel_stats stats;
	struct setup s;
	char text[4];

	prepare(&s);
	tunnel_stats(s.tunnel, &stats);
	assert_int_equal(stats.sent_bytes, 0);
	assert_false(stats.ended);
	s.far.given = in;
	s.far.n_given = 3;
	start(&s, 0);
	assert_int_equal(write(s.local, "12345", 5), 5);
	assert_int_equal(read(s.local, text, 3), 3);
	while (s.far.n_taken < 5)
		sched_yield();
	let_beat(&s, 2);
	tunnel_stats(s.tunnel, &stats);
	assert_int_equal(stats.sent_bytes, 5);
	assert_int_equal(stats.received_bytes, 3);
	assert_false(mono_before(mono_now(), stats.progress));
	assert_true(stats.progress.us > 0);
	finish(&s);
}

TEST(what_is_parked_inside_is_bounded)
{
	unsigned char *data = some_bytes(BIG);
	struct tunnel_stats stats;
	size_t sent = 0;
	struct setup s;
	ssize_t n;

	prepare(&s);
	s.far.blocked = true;
	start(&s, 0);
	for (int quiet = 0; quiet < 20; quiet++) {
		n = send(s.local, data, BIG, MSG_DONTWAIT);
		if (n > 0) {
			sent += (size_t)n;
			quiet = 0;
		}
		let_beat(&s, 1);
	}
	/* QEMU's own socket buffer, and ours */
	assert_in_range(sent, 1, (1 << 20) + TUNNEL_BUFFER_BYTES);
	tunnel_stats(s.tunnel, &stats);
	assert_int_equal(stats.sent_bytes, 0);
	finish(&s);
	free(data);
}

/* --- ends ---------------------------------------------------------------- */

TEST(the_far_side_sees_our_end_and_may_go_on)
{
	static const unsigned char in[] = "late";
	struct setup s;
	char text[8];

	prepare(&s);
	s.far.given = in;
	s.far.eof_again = 3;
	s.far.hesitant = true;
	start(&s, 0);
	shutdown(s.local, SHUT_WR);
	while (!s.far.eof_taken)
		sched_yield();
	s.far.n_given = 4;
	assert_int_equal(recv(s.local, text, 4, MSG_WAITALL), 4);
	assert_false(atomic_load(&s.far.closed));
	s.far.give_eof = true;
	wait_end(&s);
	assert_int_equal(tunnel_verdict(s.tunnel, NULL), 0);
	finish(&s);
}

TEST(we_see_the_far_end_and_may_go_on)
{
	struct setup s;
	char byte;

	prepare(&s);
	s.far.give_eof = true;
	start(&s, 0);
	assert_int_equal(read(s.local, &byte, 1), 0);
	assert_int_equal(write(s.local, "more", 4), 4);
	while (s.far.n_taken < 4)
		sched_yield();
	shutdown(s.local, SHUT_WR);
	wait_end(&s);
	assert_int_equal(tunnel_verdict(s.tunnel, NULL), 0);
	finish(&s);
}

TEST(bytes_for_a_qemu_that_is_gone_end_it)
{
	static const unsigned char in[] = "for nobody";
	struct setup s;

	prepare(&s);
	s.far.given = in;
	start(&s, 0);
	close(s.local);
	s.local = -1;
	while (!s.far.eof_taken)
		sched_yield();
	s.far.n_given = sizeof(in);
	poke(&s.far);
	expect_verdict(&s, ERR_CLOSED, "local socket: Broken pipe");
	finish(&s);
}

/* Which a UNIX socket is when it is closed with something unread. */
TEST(a_qemu_that_resets_its_socket_is_one_that_is_gone)
{
	static const unsigned char in[] = "unread";
	struct setup s;
	char byte;

	prepare(&s);
	s.far.given = in;
	s.far.n_given = sizeof(in);
	start(&s, 0);
	assert_int_equal(recv(s.local, &byte, 1, MSG_PEEK), 1);
	close(s.local);
	s.local = -1;
	expect_verdict(&s, ERR_CLOSED, "read from the local socket");
	finish(&s);
}

TEST(a_far_failure_ends_it_and_names_the_host)
{
	struct err err = { 0 };
	struct setup s;
	char byte;

	prepare(&s);
	start(&s, 0);
	s.far.fail_read = true;
	poke(&s.far);
	assert_int_equal(read(s.local, &byte, 1), 0);
	wait_end(&s);
	assert_int_equal(tunnel_verdict(s.tunnel, &err), -1);
	assert_string_equal(err_host_of(&err), "hostb");
	expect_err_kind(&err, ERR_NETWORK, "the line is dead");
	finish(&s);
}

TEST(a_missing_heartbeat_ends_it)
{
	struct setup s;
	char byte;

	prepare(&s);
	start(&s, 0);
	s.far.fail_beat = true;
	assert_int_equal(read(s.local, &byte, 1), 0);
	expect_verdict(&s, ERR_NETWORK, "no sign of life");
	finish(&s);
}

TEST(the_verdict_can_be_asked_for_again)
{
	struct setup s;

	prepare(&s);
	s.far.fail_read = true;
	start(&s, 0);
	for (int i = 0; i < 2; i++)
		expect_verdict(&s, ERR_NETWORK, "the line is dead");
	assert_int_equal(tunnel_verdict(s.tunnel, NULL), -1);
	finish(&s);
}

/* --- stalls -------------------------------------------------------------- */

TEST(a_far_side_that_takes_nothing_closes_our_socket)
{
	struct err err = { 0 };
	struct setup s;
	char byte;

	prepare(&s);
	s.far.blocked = true;
	start(&s, 20);
	assert_int_equal(write(s.local, "stuck", 5), 5);
	assert_int_equal(read(s.local, &byte, 1), 0);
	wait_end(&s);
	assert_int_equal(tunnel_verdict(s.tunnel, &err), -1);
	assert_string_equal(err_host_of(&err), "hostb");
	expect_err_kind(&err, ERR_TIMEOUT,
			"the far side took no byte for 20 ms");
	finish(&s);
}

TEST(a_stall_is_known_before_qemu_sees_the_end)
{
	struct tunnel_stats stats;
	struct setup s;
	char byte;

	prepare(&s);
	s.far.blocked = s.far.hold_close = true;
	start(&s, 20);
	assert_int_equal(write(s.local, "stuck", 5), 5);
	assert_int_equal(read(s.local, &byte, 1), 0);
	tunnel_stats(s.tunnel, &stats);
	assert_true(stats.ended);
	assert_true(tunnel_has_stalled(s.tunnel));
	s.far.hold_close = false;
	finish(&s);
}

TEST(a_tunnel_that_ends_of_something_else_has_not_stalled)
{
	struct setup s;

	prepare(&s);
	start(&s, 60000);
	assert_false(tunnel_has_stalled(s.tunnel));
	tunnel_kill(s.tunnel);
	wait_end(&s);
	assert_false(tunnel_has_stalled(s.tunnel));
	finish(&s);
}

TEST(the_shortest_limit_is_a_limit)
{
	struct setup s;

	prepare(&s);
	s.far.blocked = true;
	start(&s, 1);
	assert_int_equal(write(s.local, "stuck", 5), 5);
	expect_verdict(&s, ERR_TIMEOUT, "took no byte for 1 ms");
	finish(&s);
}

TEST(a_qemu_that_reads_nothing_stalls_as_well)
{
	unsigned char *data = some_bytes(BIG);
	struct setup s;

	prepare(&s);
	s.far.given = data;
	s.far.n_given = BIG;
	start(&s, 20);
	expect_verdict(&s, ERR_TIMEOUT, "the QEMU on this side took no byte");
	finish(&s);
	free(data);
}

TEST(with_nothing_to_move_there_is_no_stall)
{
	struct tunnel_stats stats;
	struct setup s;

	prepare(&s);
	s.far.blocked = true;
	start(&s, BEAT_MS);
	let_beat(&s, 20);
	tunnel_stats(s.tunnel, &stats);
	assert_false(stats.ended);
	finish(&s);
}

TEST(without_a_limit_there_is_no_stall)
{
	struct tunnel_stats stats;
	struct setup s;

	prepare(&s);
	s.far.blocked = true;
	start(&s, 0);
	assert_int_equal(write(s.local, "stuck", 5), 5);
	let_beat(&s, 20);
	tunnel_stats(s.tunnel, &stats);
	assert_false(stats.ended);
	finish(&s);
}

TEST(the_limit_can_come_later)
{
	struct setup s;
	char byte;

	prepare(&s);
	s.far.blocked = true;
	start(&s, 0);
	assert_int_equal(write(s.local, "stuck", 5), 5);
	let_beat(&s, 5);
	tunnel_set_stall(s.tunnel, 5);
	assert_int_equal(read(s.local, &byte, 1), 0);
	expect_verdict(&s, ERR_TIMEOUT, "stalled");
	finish(&s);
}

/* --- kill ---------------------------------------------------------------- */

TEST(a_kill_closes_our_socket_while_the_far_side_is_stuck)
{
	struct setup s;
	char byte;

	prepare(&s);
	s.far.blocked = true;
	start(&s, 0);
	assert_int_equal(write(s.local, "stuck", 5), 5);
	let_beat(&s, 2);
	tunnel_kill(s.tunnel);
	assert_int_equal(recv(s.local, &byte, 1, MSG_DONTWAIT), 0);
	tunnel_kill(s.tunnel);
	expect_verdict(&s, ERR_CANCELLED, "closed");
	finish(&s);
}

static void *kill_body(void *arg)
{
	for (int i = 0; i < 100; i++)
		tunnel_kill(arg);
	return NULL;
}

TEST(a_kill_may_come_from_any_thread_at_any_time)
{
	for (int i = 0; i < 20; i++) {
		pthread_t other;
		struct setup s;

		prepare(&s);
		s.far.hesitant = true;
		pthread_create(&other, NULL, kill_body, s.tunnel);
		start(&s, 0);
		expect_verdict(&s, ERR_CANCELLED, "closed");
		pthread_join(other, NULL);
		finish(&s);
	}
}

TEST(a_tunnel_that_never_started_closes_its_far_end)
{
	struct setup s;

	prepare(&s);
	assert_int_equal(tunnel_end_fd(s.tunnel), -1);
	finish(&s);
	close(s.inside);
	tunnel_free(NULL);
}

TEST(freeing_ends_a_tunnel_that_runs)
{
	unsigned char *data = some_bytes(BIG);
	struct setup s;

	prepare(&s);
	s.far.given = data;
	s.far.n_given = BIG;
	start(&s, 0);
	let_beat(&s, 1);
	finish(&s);
	free(data);
}

/* --- manners ------------------------------------------------------------- */

/* Every pass of the pump that waits asks poll_fd() once. */
static void expect_no_spin(struct setup *s)
{
	int polls, beats;

	let_beat(s, 5);
	polls = s->far.polls;
	beats = s->far.beats;
	let_beat(s, 50);
	assert_in_range(s->far.polls - polls, 0, s->far.beats - beats + 5);
}

TEST(an_idle_tunnel_does_not_spin)
{
	struct setup s;

	prepare(&s);
	start(&s, 0);
	expect_no_spin(&s);
	finish(&s);
}

TEST(a_blocked_tunnel_does_not_spin)
{
	unsigned char *data = some_bytes(BIG);
	struct setup s;

	prepare(&s);
	s.far.blocked = true;
	s.far.given = data;
	s.far.n_given = BIG;
	start(&s, 0);
	while (send(s.local, data, BIG, MSG_DONTWAIT) > 0)
		;
	expect_no_spin(&s);
	finish(&s);
	free(data);
}

TEST(a_tunnel_whose_qemu_hung_up_does_not_spin)
{
	struct setup s;

	prepare(&s);
	start(&s, 0);
	close(s.local);
	s.local = -1;
	expect_no_spin(&s);
	finish(&s);
}

TEST(the_thread_takes_no_signals)
{
	struct setup s;

	prepare(&s);
	start(&s, 0);
	let_beat(&s, 2);
	tunnel_kill(s.tunnel);
	wait_end(&s);
	assert_true(sigismember(&s.far.mask, SIGTERM));
	assert_true(sigismember(&s.far.mask, SIGINT));
	assert_true(sigismember(&s.far.mask, SIGCHLD));
	finish(&s);
}
