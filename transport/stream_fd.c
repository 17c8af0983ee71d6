/* SPDX-License-Identifier: MIT */
/*
 * stream_fd: streams over descriptors of this machine, and the two ways to
 * come by a connected one (UNIX sockets here; TCP in stream_fd_tcp.c).
 */
#include "transport/stream_fd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "transport/base/task.h"
#include "transport/base/xalloc.h"

/*
 * A peer that floods us never makes a call wait; after so many calls in a row
 * the task lets the others run.
 */
enum { BURST_CALLS = 32, BACKLOG_RETRY_MS = 10 };

struct stream_fd {
	struct stream base;
	int read_fd;
	int write_fd;
	bool is_socket;
	unsigned int burst;
};

static int closed_or_system(struct err *err, const char *what)
{
	int errnum = errno;

	err_sys(err, errnum, "%s", what);
	if (err && (errnum == EPIPE || errnum == ECONNRESET))
		err->kind = ERR_CLOSED;
	return -1;
}

static void count_burst(struct stream_fd *f)
{
	if (++f->burst < BURST_CALLS)
		return;
	f->burst = 0;
	task_yield();
}

static int wait_fd(struct stream_fd *f, int fd, uint32_t events,
		   struct mono deadline, struct err *err)
{
	f->burst = 0;
	return task_wait_fd(fd, events, deadline, err);
}

static ssize_t fd_read(struct stream *s, void *data, size_t len,
		       struct mono deadline, struct err *err)
{
	struct stream_fd *f = (struct stream_fd *)s;

	count_burst(f);
	for (;;) {
		ssize_t n = read(f->read_fd, data, len);

		if (n >= 0)
			return n;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return closed_or_system(err, "cannot read");
		if (wait_fd(f, f->read_fd, EPOLLIN, deadline, err) < 0)
			return -1;
	}
}

/* write(2) to a pipe whose reader may be gone, without the signal. */
static ssize_t write_no_signal(int fd, const void *data, size_t len)
{
	const struct timespec now = { 0 };
	sigset_t pipe_set, old, pending;
	bool was_pending;
	int saved;
	ssize_t n;

	sigemptyset(&pipe_set);
	sigaddset(&pipe_set, SIGPIPE);
	sigpending(&pending);
	was_pending = sigismember(&pending, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe_set, &old);
	n = write(fd, data, len);
	saved = errno;
	if (n < 0 && saved == EPIPE && !was_pending)
		(void)sigtimedwait(&pipe_set, NULL, &now);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = saved;
	return n;
}

static ssize_t fd_write(struct stream *s, const void *data, size_t len,
			struct mono deadline, struct err *err)
{
	struct stream_fd *f = (struct stream_fd *)s;

	if (f->write_fd < 0)
		return err_set(err, ERR_INTERNAL, "the stream is read-only");
	count_burst(f);
	for (;;) {
		ssize_t n = f->is_socket
				    ? send(f->write_fd, data, len, MSG_NOSIGNAL)
				    : write_no_signal(f->write_fd, data, len);

		if (n >= 0)
			return n;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return closed_or_system(err, "cannot write");
		if (wait_fd(f, f->write_fd, EPOLLOUT, deadline, err) < 0)
			return -1;
	}
}

static void fd_close(struct stream *s)
{
	struct stream_fd *f = (struct stream_fd *)s;

	if (f->write_fd != f->read_fd)
		close_fd(f->write_fd);
	close_fd(f->read_fd);
	free(f);
}

static int fd_socket(const struct stream *s)
{
	const struct stream_fd *f = (const struct stream_fd *)s;

	return f->is_socket ? f->write_fd : -1;
}

static const struct stream_ops fd_ops = {
	.read = fd_read,
	.write = fd_write,
	.close = fd_close,
	.socket_fd = fd_socket,
};

static void set_nonblocking(int fd)
{
	int flags = fd < 0 ? -1 : fcntl(fd, F_GETFL);

	if (flags >= 0 && !(flags & O_NONBLOCK))
		(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

static bool is_socket(int fd)
{
	socklen_t len = sizeof(int);
	int type;

	return fd >= 0 && !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len);
}

struct stream *stream_fd_new(int read_fd, int write_fd)
{
	struct stream_fd *f = XNEW(struct stream_fd);

	*f = (struct stream_fd){
		.base = { .ops = &fd_ops },
		.read_fd = read_fd,
		.write_fd = write_fd,
		.is_socket = is_socket(write_fd),
	};
	set_nonblocking(read_fd);
	set_nonblocking(write_fd);
	return &f->base;
}

/* --- UNIX sockets -------------------------------------------------------- */

/*
 * The kernel's name for @path. One too long for sun_path is reached through a
 * descriptor of the socket's file, kept in *path_fd until the connect.
 */
static int unix_address(const char *path, struct sockaddr_un *addr,
			int *path_fd, struct err *err)
{
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (!*path)
		return err_set(err, ERR_USAGE, "the socket has no name");
	if (strlen(path) < sizeof(addr->sun_path)) {
		memcpy(addr->sun_path, path, strlen(path));
		return 0;
	}
	*path_fd = open(path, O_PATH | O_CLOEXEC);
	if (*path_fd < 0)
		return err_sys(err, errno, "cannot connect to %s", path);
	(void)snprintf(addr->sun_path, sizeof(addr->sun_path),
		       "/proc/self/fd/%d", *path_fd);
	return 0;
}

/*
 * A listener whose backlog is full says EAGAIN, and nothing reports when that
 * ends: so ask again, at intervals, until the deadline.
 */
static int connect_patiently(int fd, const struct sockaddr_un *addr,
			     const char *path, struct mono deadline,
			     struct err *err)
{
	while (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return err_sys(err, errno, "cannot connect to %s",
				       path);
		if (!mono_before(mono_now(), deadline))
			return err_set(err, ERR_TIMEOUT,
				       "cannot connect to %s: its queue of "
				       "connections stays full",
				       path);
		if (task_sleep_until(mono_min(mono_in_ms(BACKLOG_RETRY_MS),
					      deadline),
				     err) < 0)
			return -1;
	}
	return 0;
}

int stream_fd_dial_unix(const char *path, struct mono deadline, struct err *err)
{
	AUTO_FD int path_fd = -1;
	AUTO_FD int fd = -1;
	struct sockaddr_un addr;

	if (unix_address(path, &addr, &path_fd, err) < 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(err, errno, "cannot make a socket");
	if (connect_patiently(fd, &addr, path, deadline, err) < 0)
		return -1;
	return steal_fd(&fd);
}

struct stream *stream_fd_connect_unix(const char *path, struct mono deadline,
				      struct err *err)
{
	int fd = stream_fd_dial_unix(path, deadline, err);

	return fd < 0 ? NULL : stream_fd_new(fd, fd);
}
