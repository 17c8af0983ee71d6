/* SPDX-License-Identifier: MIT */
/* outlet: writes the output of a running migration, and never waits. */
#include "tools/cli/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transport/base/clock.h"
#include "transport/base/xalloc.h"

/* Little enough for a descriptor that poll(2) calls writable. */
enum { POLLED_CHUNK = 512 };

/* A file description of our own, so that O_NONBLOCK stays ours. */
static int open_again(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

void outlet_open(struct outlet *o, int fd, size_t limit)
{
	struct stat st;
	int own;

	*o = (struct outlet){ .fd = -1, .kind = OUTLET_MEMORY, .limit = limit };
	pthread_mutex_init(&o->lock, NULL);
	if (fd < 0)
		return;
	o->kind = OUTLET_POLLED;
	if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
		o->kind = OUTLET_SOCKET;
	else if (S_ISREG(st.st_mode))
		o->kind = OUTLET_FILE;
	own = o->kind == OUTLET_POLLED ? open_again(fd) : -1;
	if (own >= 0)
		o->kind = OUTLET_FILE;
	else
		own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	o->fd = own;
	o->failed = own < 0 ? errno : 0;
}

/* As write(2), but fails with EAGAIN where that would wait. */
static ssize_t write_some(const struct outlet *o, const char *data, size_t len)
{
	struct pollfd p = { .fd = o->fd, .events = POLLOUT };

	if (o->kind == OUTLET_SOCKET)
		return send(o->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (o->kind == OUTLET_POLLED) {
		if (poll(&p, 1, 0) != 1) {
			errno = EAGAIN;
			return -1;
		}
		len = len < POLLED_CHUNK ? len : POLLED_CHUNK;
	}
	return write(o->fd, data, len);
}

static void push(struct outlet *o)
{
	while (buf_len(&o->pending) && !o->failed && o->kind != OUTLET_MEMORY) {
		ssize_t n = write_some(o, buf_data(&o->pending),
				       buf_len(&o->pending));

		if (n >= 0)
			buf_consume(&o->pending, (size_t)n);
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			return;
		else if (errno != EINTR)
			o->failed = errno;
	}
}

bool outlet_put(struct outlet *o, const void *data, size_t len)
{
	bool taken = false;

	pthread_mutex_lock(&o->lock);
	push(o);
	if (o->failed || buf_len(&o->pending) + len > o->limit) {
		o->lost++;
	} else {
		buf_append(&o->pending, data, len);
		push(o);
		taken = true;
	}
	pthread_mutex_unlock(&o->lock);
	return taken;
}

bool outlet_is_behind(struct outlet *o)
{
	bool behind;

	pthread_mutex_lock(&o->lock);
	push(o);
	behind = o->kind != OUTLET_MEMORY && buf_len(&o->pending);
	pthread_mutex_unlock(&o->lock);
	return behind;
}

int outlet_drain(struct outlet *o, int wait_ms)
{
	struct mono deadline = mono_in_ms(wait_ms);

	while (!o->failed && outlet_is_behind(o)) {
		struct pollfd p = { .fd = o->fd, .events = POLLOUT };
		int ms = mono_poll_ms(mono_now(), deadline);

		if (ms == 0 || (poll(&p, 1, ms) < 0 && errno != EINTR))
			return -1;
	}
	return o->failed ? -1 : 0;
}

int outlet_close(struct outlet *o, int wait_ms)
{
	int rc = outlet_drain(o, wait_ms);

	if (o->lost)
		rc = -1;
	close_fd(o->fd);
	o->fd = -1;
	o->kind = OUTLET_MEMORY;
	buf_free(&o->pending);
	return rc;
}
