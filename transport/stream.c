/* SPDX-License-Identifier: MIT */
/* stream: a two-way run of bytes for the control plane. */
#include "transport/stream.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "transport/base/task.h"

ssize_t stream_read(struct stream *s, void *data, size_t len,
		    struct mono deadline, struct err *err)
{
	return s->ops->read(s, data, len, deadline, err);
}

int stream_write(struct stream *s, const void *data, size_t len,
		 struct mono deadline, struct err *err)
{
	const char *p = data;

	while (len) {
		ssize_t n = s->ops->write(s, p, len, deadline, err);

		if (n < 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The descriptor if @s is a UNIX socket of this machine, else -1. */
static int unix_fd(const struct stream *s)
{
	int fd = s->ops->socket_fd ? s->ops->socket_fd(s) : -1;
	socklen_t len = sizeof(int);
	int domain;

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0)
		return -1;
	return domain == AF_UNIX ? fd : -1;
}

/* One non-blocking sendmsg() that carries @fd; bytes sent, or -1 and errno. */
static ssize_t send_with_fd(int sock, const void *data, size_t len, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = (void *)data, .iov_len = len };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *c;

	memset(&control, 0, sizeof(control));
	c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	return sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int stream_write_fd(struct stream *s, const void *data, size_t len, int fd,
		    struct mono deadline, struct err *err)
{
	int sock = unix_fd(s);
	ssize_t n;

	if (sock < 0)
		return err_set(err, ERR_SYSTEM,
			       "cannot pass a descriptor: not a UNIX socket "
			       "of this machine");
	while ((n = send_with_fd(sock, data, len, fd)) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return err_sys(err, errno, "cannot pass a descriptor");
		if (task_wait_fd(sock, EPOLLOUT, deadline, err) < 0)
			return -1;
	}
	return stream_write(s, (const char *)data + n, len - (size_t)n,
			    deadline, err);
}

pid_t stream_peer_pid(const struct stream *s)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int fd = unix_fd(s);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return -1;
	/* 0: a process outside of our PID namespace */
	return peer.pid > 0 ? peer.pid : -1;
}

void stream_close(struct stream *s)
{
	if (s)
		s->ops->close(s);
}
