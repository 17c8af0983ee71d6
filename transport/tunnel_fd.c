/* SPDX-License-Identifier: MIT */
/* tunnel_fd: a tunnel whose far end is a connected descriptor. */
#include "transport/tunnel_fd.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "transport/base/xalloc.h"

enum {
	SNDBUF_BYTES = 128 * 1024,
	CHECK_EVERY_MS = 250,
	/* between the close of a dying carrier's socket and its end */
	DEATH_MS = 20,
};

struct tunnel_fd {
	int fd;
	const struct tunnel_fd_carrier *ops;
	void *carrier;
};

static int check(const struct tunnel_fd *f, int wait_ms, struct err *err)
{
	return f->ops ? f->ops->check(f->carrier, wait_ms, err) : 0;
}

/* The carrier's own words say more than "Broken pipe". */
static int failed(const struct tunnel_fd *f, struct err *err, const char *what)
{
	int errnum = errno;

	if (check(f, DEATH_MS, err) < 0)
		return -1;
	err_sys(err, errnum, "%s", what);
	if (errnum == EPIPE || errnum == ECONNRESET)
		err->kind = ERR_CLOSED;
	return -1;
}

static long far_read(void *far, void *data, unsigned long len, bool *eof,
		     struct err *err)
{
	struct tunnel_fd *f = far;
	ssize_t n = recv(f->fd, data, len, MSG_DONTWAIT);

	if (n > 0)
		return n;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		return failed(f, err, "cannot read from the far side");
	/* a carrier that dies leaves what looks like an orderly end */
	if (check(f, DEATH_MS, err) < 0)
		return -1;
	*eof = true;
	return 0;
}

static long far_write(void *far, const void *data, unsigned long len,
		      struct err *err)
{
	struct tunnel_fd *f = far;
	ssize_t n = send(f->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n >= 0)
		return n;
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	return failed(f, err, "cannot write to the far side");
}

static int far_send_eof(void *far, struct err *err)
{
	struct tunnel_fd *f = far;

	(void)err;
	/* it fails only where the connection is gone: read tells of that */
	(void)shutdown(f->fd, SHUT_WR);
	return 0;
}

static int far_poll_fd(void *far, bool want_read, bool want_write,
		       short *events)
{
	struct tunnel_fd *f = far;

	*events = (short)((want_read ? POLLIN : 0) |
			  (want_write ? POLLOUT : 0));
	return f->fd;
}

static int far_heartbeat(void *far, struct mono now, struct mono *next,
			 struct err *err)
{
	struct tunnel_fd *f = far;

	*next = f->ops ? mono_add_ms(now, CHECK_EVERY_MS) : MONO_NEVER;
	return check(f, 0, err);
}

static void far_close(void *far)
{
	struct tunnel_fd *f = far;

	close_fd(f->fd);
	if (f->ops)
		f->ops->release(f->carrier);
	free(f);
}

static const struct tunnel_far_ops far_ops = {
	.read = far_read,
	.write = far_write,
	.send_eof = far_send_eof,
	.poll_fd = far_poll_fd,
	.heartbeat = far_heartbeat,
	.close = far_close,
};

struct tunnel *tunnel_fd_new(const char *host, int fd,
			     const struct tunnel_fd_carrier *ops,
			     void *carrier)
{
	struct tunnel_fd *f = XNEW(struct tunnel_fd);
	const int sndbuf = SNDBUF_BYTES;

	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf));
	*f = (struct tunnel_fd){ .fd = fd, .ops = ops, .carrier = carrier };
	return tunnel_new(host, &far_ops, f);
}
