/* SPDX-License-Identifier: MIT */
/* tunnel_fd: a tunnel whose far end is a connected descriptor. */
#include "transport/tunnel_fd.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "transport/base/xalloc.h"
#include "transport/endpoint_child.h"

/*
 * A carrier that dies closes its sockets first, which looks like an orderly
 * end; its own words come a moment later. So the relay keeps an end back for
 * as long as some checks take.
 */
enum { PARKED_BYTES = 128 * 1024, HOLD_MS = 3 * TUNNEL_CHECK_MS };

struct tunnel_fd {
	struct endpoint_child *child;
	struct endpoint_subject subject;
	const struct tunnel_fd_carrier *ops;
	void *carrier;
};

static int check(void *arg, struct err *err)
{
	struct tunnel_fd *f = arg;

	return f->ops->check(f->carrier, err);
}

static void release(void *arg)
{
	struct tunnel_fd *f = arg;

	if (f->child)
		endpoint_child_forget(f->child, &f->subject);
	endpoint_child_close(f->child);
	if (f->ops)
		f->ops->release(f->carrier);
	free(f);
}

static int start(struct tunnel_fd *f, const char *host, int fd, bool hold,
		 struct mono deadline, struct err *err)
{
	const struct endpoint_words words = {
		.word = CONTROL_RELAY,
		.a = hold ? HOLD_MS : 0,
	};

	f->child = endpoint_child_start(host, fd, err);
	if (!f->child)
		return -1;
	endpoint_child_begin_login(f->child, &f->subject);
	return endpoint_child_ask(f->child, &f->subject, &words,
				  CONTROL_BIT(HELLO), deadline, err);
}

/*
 * What waits to be sent counts as sent. A UNIX socket holds nothing else; of a
 * TCP connection's buffer most is on its way where the round trip is long, and
 * a small one would limit the rate.
 */
static void park_little(int fd)
{
	const int bytes = PARKED_BYTES;
	int domain = AF_UNIX;
	socklen_t len = sizeof(domain);

	(void)getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len);
	if (domain == AF_UNIX)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes,
				 sizeof(bytes));
	else
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes,
				 sizeof(bytes));
}

struct tunnel *tunnel_fd_new(const char *host, int fd,
			     const struct tunnel_fd_carrier *ops, void *carrier,
			     struct mono deadline, struct err *err)
{
	struct tunnel_fd *f = XNEW(struct tunnel_fd);
	bool checked = ops && ops->check;

	park_little(fd);
	f->ops = ops;
	f->carrier = carrier;
	if (start(f, host, fd, checked, deadline, err) < 0) {
		release(f);
		return NULL;
	}
	return tunnel_new(&(struct tunnel_spec){
		.host = host,
		.child = f->child,
		.subject = &f->subject,
		.carrier = f,
		.check = checked ? check : NULL,
		.release = release,
	});
}
