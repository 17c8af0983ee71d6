/* SPDX-License-Identifier: MIT */
/* lane_speed: two ways compared. The theory is in lane_speed.h. */
#include "engine/run/lane_speed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "engine/run/beside.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"

extern const char lane_speed_sink_sh[];

enum {
	PIECE_BYTES = 128 * 1024, /* as QEMU does at a time, about */
	SHARES = 3,
};

/* In lane_speed_sink.sh, too. */
static const size_t share_bytes[SHARES] = { 1 << 20, 12 << 20, 12 << 20 };

struct way {
	struct lane_speed *all;
	struct host *host;
	struct tunnel *tunnel;
	int fd;
	double best_bps;
};

struct lane_speed {
	struct way usual, other;
	struct mono until;
	char *data; /* PIECE_BYTES that no link makes smaller */
	struct task *task;
	struct waitq ended;
	int rc;
	struct err err;
};

static int open_way(void *arg, struct err *err)
{
	static const char *const argv[] = { "sh", "-c", lane_speed_sink_sh,
					    NULL };
	struct way *w = arg;

	w->tunnel = host_tunnel_command(w->host, argv, w->all->until, err);
	if (w->tunnel)
		w->fd = tunnel_start_pair(w->tunnel, 0, err);
	return w->fd < 0 ? -1 : 0;
}

static void close_way(struct way *w)
{
	tunnel_free(w->tunnel);
	close_fd(w->fd);
}

static int lost(struct err *err)
{
	return err_set(err, ERR_REMOTE, "what took the bytes there has ended");
}

static int send_share(struct way *w, size_t left, struct err *err)
{
	while (left) {
		size_t len = left < PIECE_BYTES ? left : PIECE_BYTES;
		ssize_t n = send(w->fd, w->all->data, len,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0)
			left -= (size_t)n;
		else if (n < 0 && errno != EAGAIN && errno != EINTR)
			return lost(err);
		if (mono_before(w->all->until, mono_now()))
			return err_set(err, ERR_TIMEOUT, "no more time");
		if (left &&
		    task_wait_fd(w->fd, EPOLLOUT, w->all->until, err) < 0)
			return -1;
	}
	return 0;
}

static int await_answer(struct way *w, struct err *err)
{
	char byte;
	ssize_t n;

	while ((n = recv(w->fd, &byte, 1, MSG_DONTWAIT)) < 0) {
		if (errno != EAGAIN && errno != EINTR)
			return lost(err);
		if (task_wait_fd(w->fd, EPOLLIN, w->all->until, err) < 0)
			return -1;
	}
	return n ? 0 : lost(err);
}

static int take_turn(struct way *w, int turn, struct err *err)
{
	struct mono start = mono_now();
	double seconds, bps;

	if (send_share(w, share_bytes[turn], err) < 0 ||
	    await_answer(w, err) < 0)
		return -1;
	seconds = mono_diff_ms(mono_now(), start) / 1e3;
	bps = seconds > 0 ? (double)share_bytes[turn] / seconds : 0;
	if (turn > 0 && bps > w->best_bps)
		w->best_bps = bps;
	return 0;
}

static int compare(struct lane_speed *s, struct err *err)
{
	const struct beside both[] = {
		{ open_way, &s->usual },
		{ open_way, &s->other },
	};

	if (beside_ask(both, ARRAY_SIZE(both), err) < 0)
		return -1;
	for (int turn = 0; turn < SHARES; turn++) {
		if (take_turn(&s->usual, turn, err) < 0 ||
		    take_turn(&s->other, turn, err) < 0)
			return -1;
	}
	return 0;
}

static void run(void *arg)
{
	struct lane_speed *s = arg;

	s->rc = compare(s, &s->err);
	close_way(&s->usual);
	close_way(&s->other);
	waitq_wake_all(&s->ended);
}

struct lane_speed *lane_speed_begin(struct host *usual, struct host *other)
{
	struct lane_speed *s = XNEW(struct lane_speed);

	s->usual = (struct way){ .all = s, .host = usual, .fd = -1 };
	s->other = (struct way){ .all = s, .host = other, .fd = -1 };
	s->until = mono_in_ms(LANE_SPEED_MS);
	s->data = xmalloc(PIECE_BYTES);
	for (size_t i = 0; i < PIECE_BYTES; i += 256)
		(void)!getrandom(s->data + i, 256, 0);
	s->task = task_start(task_loop(), "lane-speed", run, s);
	return s;
}

static void release(struct lane_speed *s)
{
	task_join(s->task);
	err_reset(&s->err);
	free(s->data);
	free(s);
}

int lane_speed_end(struct lane_speed *s, struct lane_speed_found *out,
		   struct err *err)
{
	int rc = 0;

	*out = (struct lane_speed_found){ .known = false };
	while (!task_ended(s->task) && rc == 0)
		rc = task_wait_queue(&s->ended, MONO_NEVER, err);
	if (rc < 0) {
		lane_speed_free(s);
		return -1;
	}
	out->known = s->rc == 0;
	out->usual_bps = s->usual.best_bps;
	out->other_bps = s->other.best_bps;
	if (s->rc < 0)
		out->why_not = s->err.kind == ERR_TIMEOUT
				       ? xstrdup("the link is slower than "
						 "either cipher")
				       : err_text(&s->err);
	release(s);
	return 0;
}

void lane_speed_free(struct lane_speed *s)
{
	if (!s)
		return;
	task_cancel(s->task);
	release(s);
}

bool lane_speed_is_clear(const struct lane_speed_found *f)
{
	return f->known && f->other_bps >= f->usual_bps * LANE_SPEED_CLEARLY;
}
