/* SPDX-License-Identifier: MIT */
/* rehearse_sink: where a rehearsal's stream ends. */
#include "engine/estimate/rehearse_sink.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport/base/task.h"
#include "transport/base/xalloc.h"

enum {
	ROOM_BYTES = 256 * 1024,
	IDLE_MS = 3, /* nothing comes: QEMU is busy elsewhere */
	FILL_POLL_MS = 1,
	FILL_POLLS = 20, /* then the writer has no more to say */
};

int rehearse_sink_open(struct rehearse_sink *s, struct err *err)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, errno, "cannot make a socket pair");
	*s = (struct rehearse_sink){
		.ours = pair[0],
		.theirs = pair[1],
		.room = xmalloc(ROOM_BYTES),
	};
	rehearse_sink_width(s, SINK_NARROW);
	return 0;
}

void rehearse_sink_close(struct rehearse_sink *s)
{
	close_fd(steal_fd(&s->ours));
	close_fd(steal_fd(&s->theirs));
	free(STEAL(s->room));
}

void rehearse_sink_width(struct rehearse_sink *s, int bytes)
{
	const int half = bytes / 2; /* the kernel doubles it */

	(void)setsockopt(s->theirs, SOL_SOCKET, SO_SNDBUF, &half, sizeof(half));
}

/* Bytes read now, 0: none are there, -1: the writer is gone. */
static ssize_t take(struct rehearse_sink *s, uint64_t most, struct err *err)
{
	size_t len = most < ROOM_BYTES ? (size_t)most : ROOM_BYTES;
	ssize_t n = recv(s->ours, s->room, len, MSG_DONTWAIT);

	if (n > 0) {
		s->bytes += (uint64_t)n;
		return n;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return err_set(err, ERR_QMP, "QEMU ended the rehearsal by itself");
}

int rehearse_sink_read(struct rehearse_sink *s, uint64_t bytes,
		       struct mono deadline, struct err *err)
{
	while (bytes && mono_before(mono_now(), deadline)) {
		AUTO_ERR struct err e = { 0 };
		ssize_t n = take(s, bytes, err);

		if (n < 0)
			return -1;
		bytes -= (uint64_t)n;
		if (n)
			continue;
		if (task_wait_fd(s->ours, EPOLLIN,
				 mono_min(deadline, mono_in_ms(IDLE_MS)),
				 &e) == 0)
			continue;
		if (e.kind == ERR_TIMEOUT)
			return 0;
		err_move(err, &e);
		return -1;
	}
	return 0;
}

static int queued(const struct rehearse_sink *s)
{
	int n = 0;

	return ioctl(s->ours, FIONREAD, &n) == 0 ? n : 0;
}

int rehearse_sink_step(struct rehearse_sink *s, struct err *err)
{
	int n = queued(s);

	for (int i = 0; n <= SINK_STEP_BYTES && i < FILL_POLLS; i++) {
		if (task_sleep_until(mono_in_ms(FILL_POLL_MS), err) < 0)
			return -1;
		n = queued(s);
	}
	n = n > SINK_STEP_BYTES ? n - SINK_STEP_BYTES : n;
	if (n > SINK_STEP_BYTES)
		n = SINK_STEP_BYTES;
	return n && take(s, (uint64_t)n, err) < 0 ? -1 : 0;
}
