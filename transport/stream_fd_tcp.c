/* SPDX-License-Identifier: MIT */
/*
 * stream_fd_tcp: a TCP connection by name, without ever blocking the loop.
 *
 * The C library can only resolve names by blocking, so a thread does it and
 * says so through an eventfd. Thread and task each hold a reference to the
 * request: a task that gives up leaves, and the thread frees what it finds.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport/base/buf.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/stream_fd.h"

enum { USER_TIMEOUT_MS = 30000, KEEP_IDLE_S = 10, KEEP_INTERVAL_S = 5 };

struct lookup {
	atomic_int refs;
	int done_fd; /* eventfd */
	char *host, *port;
	struct addrinfo *list;
	int result; /* of getaddrinfo() */
	int errnum; /* for EAI_SYSTEM */
	atomic_bool done;
};

static void lookup_unref(struct lookup *l)
{
	if (atomic_fetch_sub(&l->refs, 1) > 1)
		return;
	if (l->list)
		freeaddrinfo(l->list);
	close_fd(l->done_fd);
	free(l->host);
	free(l->port);
	free(l);
}

static void *lookup_thread(void *arg)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct lookup *l = arg;

	l->result = getaddrinfo(l->host, l->port, &hints, &l->list);
	l->errnum = errno;
	atomic_store(&l->done, true);
	(void)eventfd_write(l->done_fd, 1);
	lookup_unref(l);
	return NULL;
}

/* Signals are for the embedder's threads, not for this one. */
static int start_thread(struct lookup *l, struct err *err)
{
	pthread_attr_t attr;
	sigset_t all, old;
	pthread_t thread;
	int rc;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	atomic_fetch_add(&l->refs, 1);
	rc = pthread_create(&thread, &attr, lookup_thread, l);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	if (!rc)
		return 0;
	atomic_fetch_sub(&l->refs, 1);
	return err_sys(err, rc, "cannot start a thread");
}

static int no_address(const struct lookup *l, struct err *err)
{
	const char *words = l->result == EAI_SYSTEM ? strerror(l->errnum)
						    : gai_strerror(l->result);

	err_set(err, ERR_NETWORK, "%s", words);
	return err_wrap(err, ERR_NETWORK, "cannot find the address of %s",
			l->host);
}

/* Fills l->list by @deadline. Numbers need no thread. */
static int lookup_run(struct lookup *l, struct mono deadline, struct err *err)
{
	const struct addrinfo numeric = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	};

	if (!getaddrinfo(l->host, l->port, &numeric, &l->list))
		return 0;
	l->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->done_fd < 0)
		return err_sys(err, errno, "cannot make an eventfd");
	if (start_thread(l, err) < 0)
		return -1;
	while (!atomic_load(&l->done)) {
		if (task_wait_fd(l->done_fd, EPOLLIN, deadline, err) < 0)
			return err_wrap(err, ERR_NONE,
					"cannot find the address of %s",
					l->host);
	}
	return l->result ? no_address(l, err) : 0;
}

static void set_options(int fd)
{
	const int on = 1, idle = KEEP_IDLE_S, interval = KEEP_INTERVAL_S;
	const unsigned int limit = USER_TIMEOUT_MS;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval,
			 sizeof(interval));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit,
			 sizeof(limit));
}

static int wait_connected(int fd, struct mono deadline, struct err *err)
{
	socklen_t len = sizeof(int);
	int errnum = 0;

	if (task_wait_fd(fd, EPOLLOUT, deadline, err) < 0)
		return -1;
	(void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &errnum, &len);
	return errnum ? err_set(err, ERR_NETWORK, "%s", strerror(errnum)) : 0;
}

/* One address; the error is the system's words alone. */
static int dial_address(const struct addrinfo *a, struct mono deadline,
			struct err *err)
{
	AUTO_FD int fd = socket(a->ai_family,
				SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
				IPPROTO_TCP);

	if (fd < 0)
		return err_set(err, ERR_NETWORK, "%s", strerror(errno));
	set_options(fd);
	if (connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
		if (errno != EINPROGRESS && errno != EINTR)
			return err_set(err, ERR_NETWORK, "%s", strerror(errno));
		if (wait_connected(fd, deadline, err) < 0)
			return -1;
	}
	return steal_fd(&fd);
}

/* Adds "192.0.2.1: Connection refused" to what is said of the others. */
static void note_failure(struct buf *words, const struct addrinfo *a,
			 const struct err *err)
{
	char number[NI_MAXHOST];

	if (getnameinfo(a->ai_addr, a->ai_addrlen, number, sizeof(number), NULL,
			0, NI_NUMERICHOST))
		strcpy(number, "?");
	buf_printf(words, "%s%s: %s", buf_len(words) ? "; " : "", number,
		   err->message);
}

static int count_addresses(const struct addrinfo *a)
{
	int n = 0;

	for (; a; a = a->ai_next)
		n++;
	return n;
}

/* An address that does not answer leaves time for those after it. */
static struct mono share_of(struct mono deadline, int n_left)
{
	struct mono now = mono_now();

	if (mono_is_never(deadline) || !mono_before(now, deadline))
		return deadline;
	return (struct mono){ now.us + (deadline.us - now.us) / n_left };
}

static int dial_list(const struct lookup *l, struct mono deadline,
		     struct err *err)
{
	AUTO_BUF struct buf words = { .base = NULL };
	AUTO_ERR struct err e = { 0 };
	int left = count_addresses(l->list);

	for (const struct addrinfo *a = l->list; a; a = a->ai_next, left--) {
		int fd = dial_address(a, share_of(deadline, left), &e);

		if (fd >= 0)
			return fd;
		if (e.kind == ERR_CANCELLED) {
			err_move(err, &e);
			return -1;
		}
		note_failure(&words, a, &e);
	}
	err_set(err, e.kind == ERR_TIMEOUT ? ERR_TIMEOUT : ERR_NETWORK, "%s",
		buf_data(&words));
	return err_wrap(err, ERR_NONE, "cannot connect to %s port %s", l->host,
			l->port);
}

int stream_fd_dial_tcp(const char *host, const char *port, struct mono deadline,
		       struct err *err)
{
	struct lookup *l = XNEW(struct lookup);
	int fd = -1;

	atomic_init(&l->refs, 1);
	l->done_fd = -1;
	l->host = xstrdup(host);
	l->port = xstrdup(port);
	if (lookup_run(l, deadline, err) == 0)
		fd = dial_list(l, deadline, err);
	lookup_unref(l);
	return fd;
}
