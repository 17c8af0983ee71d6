/* SPDX-License-Identifier: MIT */
/*
 * tunnel: the data plane's thread and its pump, for any kind of far end. The
 * theory of operation is in tunnel.h.
 *
 * The pump has two lanes, each a bounded buffer that is refilled only once it
 * is empty: so a write that could not go on is repeated with the same bytes
 * (an SSH session insists on that), and no byte waits behind another's back.
 * The thread owns the verdict until it sets `ended`, and the far end until it
 * is joined. The local descriptor stays open until tunnel_free(), so that
 * tunnel_kill() can never shut down a stranger that got its number.
 */
#include "transport/tunnel.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport/base/xalloc.h"

enum { LOCAL_SNDBUF_BYTES = 128 * 1024 };

enum lane_end {
	LANE_OPEN,
	LANE_EOF,  /* its source has ended; its sink does not know yet */
	LANE_DONE, /* its sink knows */
};

struct lane {
	unsigned char bytes[TUNNEL_BUFFER_BYTES];
	size_t start, len;
	enum lane_end end;
	struct mono since; /* last progress while it holds bytes */
};

struct tunnel {
	char *host;
	const struct tunnel_far_ops *ops;
	void *far; /* NULL once closed */

	pthread_t thread;
	bool started;
	atomic_int local_fd;
	int wake_fd; /* eventfd: look at killed and stall_ms */
	int end_fd;  /* eventfd: ended */

	atomic_uint_fast64_t sent_bytes, received_bytes;
	atomic_int_fast64_t progress_us;
	atomic_int stall_ms;
	atomic_bool killed, ended;

	struct err verdict; /* the thread's until ended */
	struct mono heartbeat;
	struct lane out; /* local → far */
	struct lane in;	 /* far → local */
};

/* --- the two ends -------------------------------------------------------- */

static int local_failed(struct err *err, const char *what)
{
	int errnum = errno;

	err_sys(err, errnum, "%s", what);
	if (errnum == EPIPE || errnum == ECONNRESET)
		err->kind = ERR_CLOSED;
	return -1;
}

/* As the far end's calls: bytes, 0 for "not now", -1. */
static ssize_t local_read(struct tunnel *t, void *data, size_t len, bool *eof,
			  struct err *err)
{
	ssize_t n = recv(t->local_fd, data, len, MSG_DONTWAIT);

	if (n > 0)
		return n;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		return local_failed(err, "cannot read from the local socket");
	*eof = true;
	return 0;
}

static ssize_t local_write(struct tunnel *t, const void *data, size_t len,
			   struct err *err)
{
	ssize_t n = send(t->local_fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n >= 0)
		return n;
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	return local_failed(err, "cannot write to the local socket");
}

static int far_failed(struct tunnel *t, struct err *err)
{
	if (!err_host_of(err))
		err_at_host(err, t->host);
	return -1;
}

/* --- the pump ------------------------------------------------------------ */

static void lane_filled(struct lane *l, ssize_t n, bool eof, struct mono now)
{
	if (n > 0) {
		l->start = 0;
		l->len = (size_t)n;
		l->since = now;
	}
	if (eof)
		l->end = LANE_EOF;
}

static void lane_drained(struct lane *l, ssize_t n, struct mono now)
{
	l->start += (size_t)n;
	l->len -= (size_t)n;
	l->since = now;
}

static void progressed(struct tunnel *t, struct mono now)
{
	atomic_store_explicit(&t->progress_us, now.us, memory_order_relaxed);
}

static bool wants_fill(const struct lane *l)
{
	return !l->len && l->end == LANE_OPEN;
}

static bool wants_drain(const struct lane *l)
{
	return l->len || l->end == LANE_EOF;
}

/* Each step: 1 something moved, 0 nothing could, -1 the tunnel has failed. */
static int fill_out(struct tunnel *t, struct mono now, struct err *err)
{
	struct lane *l = &t->out;
	bool eof = false;
	ssize_t n;

	if (!wants_fill(l))
		return 0;
	n = local_read(t, l->bytes, sizeof(l->bytes), &eof, err);
	if (n < 0)
		return -1;
	lane_filled(l, n, eof, now);
	return n > 0 || eof;
}

static int drain_out(struct tunnel *t, struct mono now, struct err *err)
{
	struct lane *l = &t->out;
	long n;
	int rc;

	if (l->len) {
		n = t->ops->write(t->far, l->bytes + l->start, l->len, err);
		if (n < 0)
			return far_failed(t, err);
		if (!n)
			return 0;
		lane_drained(l, n, now);
		atomic_fetch_add(&t->sent_bytes, (uint64_t)n);
		progressed(t, now);
		return 1;
	}
	if (l->end != LANE_EOF)
		return 0;
	rc = t->ops->send_eof(t->far, err);
	if (rc < 0)
		return far_failed(t, err);
	if (rc)
		return 0;
	l->end = LANE_DONE;
	return 1;
}

static int fill_in(struct tunnel *t, struct mono now, struct err *err)
{
	struct lane *l = &t->in;
	bool eof = false;
	long n;

	if (!wants_fill(l))
		return 0;
	n = t->ops->read(t->far, l->bytes, sizeof(l->bytes), &eof, err);
	if (n < 0)
		return far_failed(t, err);
	lane_filled(l, n, eof, now);
	return n > 0 || eof;
}

static int drain_in(struct tunnel *t, struct mono now, struct err *err)
{
	struct lane *l = &t->in;
	ssize_t n;

	if (l->len) {
		n = local_write(t, l->bytes + l->start, l->len, err);
		if (n <= 0)
			return (int)n;
		lane_drained(l, n, now);
		atomic_fetch_add(&t->received_bytes, (uint64_t)n);
		progressed(t, now);
		return 1;
	}
	if (l->end != LANE_EOF)
		return 0;
	(void)shutdown(t->local_fd, SHUT_WR);
	l->end = LANE_DONE;
	return 1;
}

/* Moves what can be moved, once through. */
static int pump(struct tunnel *t, struct mono now, struct err *err)
{
	static int (*const steps[])(struct tunnel *, struct mono,
				    struct err *) = {
		fill_out,
		drain_out,
		fill_in,
		drain_in,
	};
	int moved = 0;

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		int rc = steps[i](t, now, err);

		if (rc < 0)
			return -1;
		moved |= rc;
	}
	return moved;
}

/* --- what ends it -------------------------------------------------------- */

static struct mono stall_deadline(const struct tunnel *t)
{
	int limit_ms = atomic_load(&t->stall_ms);
	struct mono d = MONO_NEVER;

	if (limit_ms <= 0)
		return d;
	if (t->out.len)
		d = mono_min(d, mono_add_ms(t->out.since, limit_ms));
	if (t->in.len)
		d = mono_min(d, mono_add_ms(t->in.since, limit_ms));
	return d;
}

static int stalled(const struct tunnel *t, struct err *err)
{
	bool out = t->out.len &&
		   (!t->in.len || mono_before(t->out.since, t->in.since));

	err_set(err, ERR_TIMEOUT,
		"the tunnel is stalled: %s took no byte for %d ms",
		out ? "the far side" : "the QEMU on this side",
		atomic_load(&t->stall_ms));
	if (out)
		err_at_host(err, t->host);
	return -1;
}

static int check_limits(struct tunnel *t, struct mono now, struct err *err)
{
	if (atomic_load(&t->killed))
		return err_set(err, ERR_CANCELLED, "the tunnel was closed");
	if (!mono_before(now, stall_deadline(t)))
		return stalled(t, err);
	if (!mono_before(now, t->heartbeat) &&
	    t->ops->heartbeat(t->far, now, &t->heartbeat, err) < 0)
		return far_failed(t, err);
	return 0;
}

/* --- the thread ---------------------------------------------------------- */

/*
 * A descriptor from which nothing is wanted is left out: a hang-up on it would
 * be reported again and again.
 */
static struct pollfd wanted(int fd, short events)
{
	return (struct pollfd){ .fd = events ? fd : -1, .events = events };
}

static void wait_for_work(struct tunnel *t)
{
	struct mono until = mono_min(stall_deadline(t), t->heartbeat);
	short far_events = 0, local_events = 0;
	struct pollfd p[3];
	eventfd_t ignored;
	int far_fd;

	far_fd = t->ops->poll_fd(t->far, wants_fill(&t->in),
				 wants_drain(&t->out), &far_events);
	if (wants_fill(&t->out))
		local_events |= POLLIN;
	if (t->in.len)
		local_events |= POLLOUT;
	p[0] = wanted(t->wake_fd, POLLIN);
	p[1] = wanted(t->local_fd, local_events);
	p[2] = wanted(far_fd, far_events);
	if (poll(p, ARRAY_SIZE(p), mono_poll_ms(mono_now(), until)) > 0 &&
	    p[0].revents)
		(void)eventfd_read(t->wake_fd, &ignored);
}

static int run(struct tunnel *t, struct err *err)
{
	for (;;) {
		struct mono now = mono_now();
		int moved;

		if (check_limits(t, now, err) < 0)
			return -1;
		moved = pump(t, now, err);
		if (moved < 0)
			/* our own shutdown makes errors of its own */
			return atomic_load(&t->killed)
				       ? check_limits(t, now, err)
				       : -1;
		if (t->out.end == LANE_DONE && t->in.end == LANE_DONE)
			return atomic_load(&t->killed)
				       ? check_limits(t, now, err)
				       : 0;
		if (!moved)
			wait_for_work(t);
	}
}

static void *tunnel_thread(void *arg)
{
	struct tunnel *t = arg;

	(void)run(t, &t->verdict);
	/* before QEMU can see the end and fail of it */
	atomic_store(&t->ended, true);
	(void)shutdown(t->local_fd, SHUT_RDWR);
	t->ops->close(STEAL(t->far));
	(void)eventfd_write(t->end_fd, 1);
	return NULL;
}

/* --- the control thread's side ------------------------------------------- */

struct tunnel *tunnel_new(const char *host, const struct tunnel_far_ops *ops,
			  void *far)
{
	struct tunnel *t = XNEW(struct tunnel);

	t->host = xstrdup(host);
	t->ops = ops;
	t->far = far;
	t->local_fd = -1;
	t->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	t->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return t;
}

static int start_thread(struct tunnel *t, struct err *err)
{
	sigset_t all, old;
	int rc;

	if (t->wake_fd < 0 || t->end_fd < 0)
		return err_set(err, ERR_SYSTEM,
			       "cannot make an eventfd for a tunnel: too many "
			       "open files");
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&t->thread, NULL, tunnel_thread, t);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc)
		return err_sys(err, rc, "cannot start a thread");
	t->started = true;
	return 0;
}

int tunnel_start(struct tunnel *t, int local_fd, int stall_ms, struct err *err)
{
	const int sndbuf = LOCAL_SNDBUF_BYTES;

	assert(!t->started && t->local_fd < 0);
	(void)setsockopt(local_fd, SOL_SOCKET, SO_SNDBUF, &sndbuf,
			 sizeof(sndbuf));
	t->stall_ms = stall_ms;
	t->heartbeat = mono_now();
	progressed(t, t->heartbeat);
	t->local_fd = local_fd;
	return start_thread(t, err);
}

int tunnel_start_pair(struct tunnel *t, int stall_ms, struct err *err)
{
	const int sndbuf = LOCAL_SNDBUF_BYTES;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, errno, "cannot make a socket pair");
	(void)setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &sndbuf,
			 sizeof(sndbuf));
	if (tunnel_start(t, pair[0], stall_ms, err) == 0)
		return pair[1];
	close_fd(pair[1]);
	return -1;
}

static void wake(const struct tunnel *t)
{
	(void)eventfd_write(t->wake_fd, 1);
}

void tunnel_set_stall(struct tunnel *t, int stall_ms)
{
	atomic_store(&t->stall_ms, stall_ms);
	wake(t);
}

void tunnel_stats(const struct tunnel *t, struct tunnel_stats *stats)
{
	*stats = (struct tunnel_stats){
		.sent_bytes = atomic_load(&t->sent_bytes),
		.received_bytes = atomic_load(&t->received_bytes),
		.progress = { atomic_load(&t->progress_us) },
		.ended = atomic_load(&t->ended),
	};
}

int tunnel_end_fd(const struct tunnel *t)
{
	return t->started ? t->end_fd : -1;
}

int tunnel_verdict(const struct tunnel *t, struct err *err)
{
	assert(atomic_load(&t->ended));
	if (t->verdict.kind == ERR_NONE)
		return 0;
	/* a copy: it can be asked for more than once */
	err_copy(err, &t->verdict);
	return -1;
}

bool tunnel_has_stalled(const struct tunnel *t)
{
	return atomic_load(&t->ended) && t->verdict.kind == ERR_TIMEOUT;
}

void tunnel_kill(struct tunnel *t)
{
	int fd;

	atomic_store(&t->killed, true);
	fd = atomic_load(&t->local_fd);
	if (fd >= 0)
		(void)shutdown(fd, SHUT_RDWR);
	wake(t);
}

void tunnel_free(struct tunnel *t)
{
	if (!t)
		return;
	tunnel_kill(t);
	if (t->started)
		pthread_join(t->thread, NULL);
	else
		t->ops->close(t->far);
	close_fd(t->local_fd);
	close_fd(t->wake_fd);
	close_fd(t->end_fd);
	err_reset(&t->verdict);
	free(t->host);
	free(t);
}
