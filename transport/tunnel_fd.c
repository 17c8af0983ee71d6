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
	CHECK_EVERY_MS = 50,
	/* so many good checks make the end of the descriptor the far side's */
	CHECKS_AFTER_END = 2,
};

/*
 * A carrier that dies closes its sockets first, which looks like an orderly
 * end; its own words come a moment later. So an end is kept back until the
 * carrier was found sound after it.
 */
struct tunnel_fd {
	int fd;
	const struct tunnel_fd_carrier *ops;
	void *carrier;
	bool read_end;
	int read_errnum;  /* 0: an orderly end */
	int write_errnum; /* 0: no end */
	int checks_due;
};

static bool is_checked(const struct tunnel_fd *f)
{
	return f->ops && f->ops->check;
}

static void ended(struct tunnel_fd *f)
{
	f->checks_due = is_checked(f) ? CHECKS_AFTER_END : 0;
}

static int failed(struct err *err, int errnum, const char *what)
{
	err_sys(err, errnum, "%s", what);
	if (errnum == EPIPE || errnum == ECONNRESET)
		err->kind = ERR_CLOSED;
	return -1;
}

static long report_read_end(const struct tunnel_fd *f, bool *eof,
			    struct err *err)
{
	if (f->checks_due)
		return 0;
	if (f->read_errnum)
		return failed(err, f->read_errnum,
			      "cannot read from the far side");
	*eof = true;
	return 0;
}

static long far_read(void *far, void *data, unsigned long len, bool *eof,
		     struct err *err)
{
	struct tunnel_fd *f = far;
	ssize_t n;

	if (f->read_end)
		return report_read_end(f, eof, err);
	n = recv(f->fd, data, len, MSG_DONTWAIT);
	if (n > 0)
		return n;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	f->read_end = true;
	f->read_errnum = n < 0 ? errno : 0;
	ended(f);
	return report_read_end(f, eof, err);
}

static long report_write_end(const struct tunnel_fd *f, struct err *err)
{
	if (f->checks_due)
		return 0;
	return failed(err, f->write_errnum, "cannot write to the far side");
}

static long far_write(void *far, const void *data, unsigned long len,
		      struct err *err)
{
	struct tunnel_fd *f = far;
	ssize_t n;

	if (f->write_errnum)
		return report_write_end(f, err);
	n = send(f->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n >= 0)
		return n;
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	f->write_errnum = errno;
	ended(f);
	return report_write_end(f, err);
}

static int far_send_eof(void *far, struct err *err)
{
	struct tunnel_fd *f = far;

	(void)err;
	/* it fails only where the connection is gone: read reports it */
	(void)shutdown(f->fd, SHUT_WR);
	return 0;
}

static int far_poll_fd(void *far, bool want_read, bool want_write,
		       short *events)
{
	const struct tunnel_fd *f = far;

	*events = 0;
	if (want_read && !f->read_end)
		*events |= POLLIN;
	if (want_write && !f->write_errnum)
		*events |= POLLOUT;
	return f->fd;
}

static int far_heartbeat(void *far, struct mono now, struct mono *next,
			 struct err *err)
{
	struct tunnel_fd *f = far;

	if (!is_checked(f)) {
		*next = MONO_NEVER;
		return 0;
	}
	*next = mono_add_ms(now, CHECK_EVERY_MS);
	if (f->ops->check(f->carrier, err) < 0)
		return -1;
	if (f->checks_due)
		f->checks_due--;
	return 0;
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
			     const struct tunnel_fd_carrier *ops, void *carrier)
{
	struct tunnel_fd *f = XNEW(struct tunnel_fd);
	const int sndbuf = SNDBUF_BYTES;

	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf));
	*f = (struct tunnel_fd){ .fd = fd, .ops = ops, .carrier = carrier };
	return tunnel_new(host, &far_ops, f);
}
