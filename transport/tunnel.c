/* SPDX-License-Identifier: MIT */
/*
 * tunnel: what watches the endpoint that carries a stream. The theory of
 * operation is in tunnel.h.
 */
#include "transport/tunnel.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/endpoint_child.h"

enum { LOCAL_SNDBUF_BYTES = 128 * 1024 };

struct tunnel {
	struct tunnel_spec spec;
	char *host;
	int stall_ms;
	int end_fd; /* eventfd: ended */
	bool ended;
	struct err verdict;
	struct mono started, check_due;
	struct task *watch; /* NULL: not started */
};

/* --- counters ------------------------------------------------------------- */

static const struct control_counters *counters(const struct tunnel *t)
{
	return endpoint_child_counters(t->spec.child);
}

/* A moment that the endpoint gave; never for none. */
static struct mono moment(const _Atomic int64_t *us)
{
	struct mono at = { atomic_load(us) };

	return at.us > 0 ? at : MONO_NEVER;
}

/* --- ends ----------------------------------------------------------------- */

static void end(struct tunnel *t, struct err *verdict)
{
	t->ended = true;
	err_move(&t->verdict, verdict);
	(void)eventfd_write(t->end_fd, 1);
}

/* Known first; then QEMU sees its socket closed. */
static void end_by_force(struct tunnel *t, struct err *verdict)
{
	struct err why = { 0 };

	err_copy(&why, verdict);
	end(t, verdict);
	endpoint_child_kill(t->spec.child, &why);
	err_reset(&why);
}

static void stalled(struct tunnel *t, bool out)
{
	struct err e = { 0 };

	err_set(&e, ERR_TIMEOUT,
		"the tunnel is stalled: %s took no byte for %d ms",
		out ? "the far side" : "the QEMU on this side", t->stall_ms);
	if (out)
		err_at_host(&e, t->host);
	end_by_force(t, &e);
}

static void stopped(struct tunnel *t)
{
	struct err e = { 0 };

	err_set(&e, ERR_TIMEOUT,
		"the tunnel is stalled: its process does not go on");
	end_by_force(t, &e);
}

/* What the endpoint said at the end of its channel. */
static void fault_of(const struct tunnel *t, struct err *e)
{
	struct endpoint_subject *s = t->spec.subject;

	if (s->head.a == CONTROL_FAULT_NONE)
		return;
	err_set(e, ERR_CLOSED, "%s", buf_data(&s->text));
	if (s->head.a != CONTROL_FAULT_LOCAL)
		err_at_host(e, t->host);
}

static void child_lost(struct tunnel *t, struct err *e)
{
	err_wrap(e, ERR_NETWORK, "the tunnel's SSH session is lost");
	if (!err_host_of(e))
		err_at_host(e, t->host);
	end(t, e);
}

/* --- watching ------------------------------------------------------------- */

static int check_carrier(struct tunnel *t, struct err *e)
{
	if (!t->spec.check)
		return 0;
	t->check_due = mono_in_ms(TUNNEL_CHECK_MS);
	if (t->spec.check(t->spec.carrier, e) == 0)
		return 0;
	if (!err_host_of(e))
		err_at_host(e, t->host);
	return -1;
}

/* When a direction counts as stalled, as things are now. */
static struct mono due(const struct tunnel *t, const _Atomic int64_t *since)
{
	struct mono at = moment(since);

	return t->stall_ms <= 0 || mono_is_never(at)
		       ? MONO_NEVER
		       : mono_add_ms(at, t->stall_ms);
}

static struct mono stop_due(const struct tunnel *t)
{
	struct mono turn = moment(&counters(t)->turn_us);

	if (t->stall_ms <= 0)
		return MONO_NEVER;
	if (mono_is_never(turn))
		turn = t->started;
	return mono_add_ms(turn, t->stall_ms + CONTROL_STOPPED_MS);
}

static void check_stall(struct tunnel *t, struct mono now)
{
	struct mono out = due(t, &counters(t)->out_since_us);
	struct mono in = due(t, &counters(t)->in_since_us);

	if (!mono_before(now, mono_min(out, in)))
		stalled(t, !mono_before(in, out));
	else if (!mono_before(now, stop_due(t)))
		stopped(t);
}

/* Finds out whether it has ended. Never waits. */
static void look(struct tunnel *t)
{
	struct err e = { 0 };
	struct mono now = mono_now();
	int alive;

	if (t->ended)
		return;
	alive = endpoint_child_check(t->spec.child, &e);
	if (t->spec.subject->heard & CONTROL_BIT(ENDED)) {
		err_reset(&e);
		if (check_carrier(t, &e) == 0)
			fault_of(t, &e);
		end(t, &e);
	} else if (alive < 0) {
		child_lost(t, &e);
	} else if (t->watch && !mono_before(now, t->check_due) &&
		   check_carrier(t, &e) < 0) {
		end_by_force(t, &e);
	} else if (t->watch) {
		check_stall(t, now);
	}
	err_reset(&e);
}

/* A direction that is not stuck now cannot count as stalled any sooner. */
static struct mono look_again(const struct tunnel *t)
{
	struct mono at = t->spec.check ? t->check_due : MONO_NEVER;

	at = mono_min(at, due(t, &counters(t)->out_since_us));
	at = mono_min(at, due(t, &counters(t)->in_since_us));
	if (t->stall_ms > 0)
		at = mono_min(at, mono_in_ms(t->stall_ms));
	return mono_min(at, stop_due(t));
}

static void watch(void *arg)
{
	struct tunnel *t = arg;

	for (;;) {
		look(t);
		if (t->ended || task_cancel_asked())
			return;
		(void)task_wait_queue(endpoint_child_activity(t->spec.child),
				      look_again(t), NULL);
	}
}

/* --- from the start to the end -------------------------------------------- */

struct tunnel *tunnel_new(const struct tunnel_spec *spec)
{
	struct tunnel *t = XNEW(struct tunnel);

	t->spec = *spec;
	t->host = xstrdup(spec->host);
	t->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return t;
}

int tunnel_start(struct tunnel *t, int local_fd, int stall_ms, struct err *err)
{
	const int sndbuf = LOCAL_SNDBUF_BYTES;
	const struct endpoint_words words = {
		.word = CONTROL_ATTACH,
		.fds = &local_fd,
		.n_fds = 1,
	};
	int rc;

	assert(!t->watch);
	(void)setsockopt(local_fd, SOL_SOCKET, SO_SNDBUF, &sndbuf,
			 sizeof(sndbuf));
	/* a copy kept here would keep QEMU from seeing the endpoint's end */
	rc = endpoint_child_say(t->spec.child, t->spec.subject, &words,
				MONO_NEVER, err);
	close_fd(local_fd);
	if (rc < 0)
		return -1;
	t->started = mono_now();
	t->stall_ms = stall_ms;
	t->watch = task_start(task_loop(), "tunnel", watch, t);
	return 0;
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

void tunnel_set_stall(struct tunnel *t, int stall_ms)
{
	t->stall_ms = stall_ms;
	waitq_wake_all(endpoint_child_activity(t->spec.child));
}

void tunnel_stats(struct tunnel *t, struct tunnel_stats *stats)
{
	struct mono progress = moment(&counters(t)->progress_us);

	look(t);
	*stats = (struct tunnel_stats){
		.sent_bytes = atomic_load(&counters(t)->sent_bytes),
		.received_bytes = atomic_load(&counters(t)->received_bytes),
		.progress = mono_is_never(progress) ? t->started : progress,
		.ended = t->ended,
	};
}

int tunnel_end_fd(const struct tunnel *t)
{
	return t->watch ? t->end_fd : -1;
}

int tunnel_verdict(struct tunnel *t, struct err *err)
{
	look(t);
	assert(t->ended);
	if (t->verdict.kind == ERR_NONE)
		return 0;
	/* a copy: it can be asked for more than once */
	err_copy(err, &t->verdict);
	return -1;
}

bool tunnel_has_stalled(struct tunnel *t)
{
	look(t);
	return t->ended && t->verdict.kind == ERR_TIMEOUT;
}

void tunnel_kill(struct tunnel *t)
{
	struct err e = { 0 };

	look(t);
	if (t->ended)
		return;
	err_set(&e, ERR_CANCELLED, "the tunnel was closed");
	end_by_force(t, &e);
}

void tunnel_free(struct tunnel *t)
{
	if (!t)
		return;
	tunnel_kill(t);
	if (t->watch) {
		task_cancel(t->watch);
		task_join(t->watch);
	}
	t->spec.release(t->spec.carrier);
	close_fd(t->end_fd);
	err_reset(&t->verdict);
	free(t->host);
	free(t);
}
