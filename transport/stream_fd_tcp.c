/* SPDX-License-Identifier: MIT */
/*
 * stream_fd_tcp: a TCP connection by name, without ever blocking the loop.
 *
 * The C library can only resolve names by blocking, so that getent(1) does it,
 * in the same order.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport/base/buf.h"
#include "transport/base/strv.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/child.h"
#include "transport/stream_fd.h"

enum {
	USER_TIMEOUT_MS = 30000,
	KEEP_IDLE_S = 10,
	KEEP_INTERVAL_S = 5,
	ANSWER_BYTES = 64 * 1024,
	STATUS_UNKNOWN = 2, /* of getent(1) */
};

static const struct addrinfo numeric = {
	.ai_socktype = SOCK_STREAM,
	.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
};

/* --- names ---------------------------------------------------------------- */

/* "192.0.2.1  STREAM hostb" a line, and the same for other socket types. */
static void read_addresses(char *text, struct strv *out)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		size_t len = strcspn(line, " \t");
		char *type = line + len + strspn(line + len, " \t");
		AUTO_FREE char *address = xstrndup(line, len);

		if (!strncmp(type, "STREAM", 6) && !strv_has(out, address))
			strv_push(out, address);
	}
}

static int ask_getent(const char *host, struct strv *out, struct mono deadline,
		      struct err *err)
{
	const char *const argv[] = { "getent", "ahosts", "--", host, NULL };
	AUTO_BUF struct buf said = { .base = NULL };
	int status = 0;

	if (child_run(argv, NULL, 0, ANSWER_BYTES, deadline, &status, &said,
		      NULL, err) < 0)
		return -1;
	read_addresses(buf_data(&said), out);
	if (out->n)
		return 0;
	if (!status || status == STATUS_UNKNOWN)
		return err_set(err, ERR_NETWORK, "no address is known");
	return err_set(err, ERR_NETWORK, "getent(1) ended with status %d",
		       status);
}

/* Appends at least one, best first. A number needs no look-up. */
static int find_addresses(const char *host, struct strv *out,
			  struct mono deadline, struct err *err)
{
	struct addrinfo *list;

	if (!getaddrinfo(host, NULL, &numeric, &list)) {
		freeaddrinfo(list);
		strv_push(out, host);
		return 0;
	}
	if (ask_getent(host, out, deadline, err) == 0)
		return 0;
	return err_wrap(err, ERR_NONE, "cannot find the address of %s", host);
}

/* --- connections ---------------------------------------------------------- */

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

static int connect_to(const struct addrinfo *a, struct mono deadline,
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

/* One address; the error is the system's words alone. */
static int dial_address(const char *address, const char *port,
			struct mono deadline, struct err *err)
{
	struct addrinfo *list = NULL;
	int rc = getaddrinfo(address, port, &numeric, &list);
	int fd;

	if (rc)
		return err_set(err, ERR_NETWORK, "%s", gai_strerror(rc));
	fd = connect_to(list, deadline, err);
	freeaddrinfo(list);
	return fd;
}

/* An address that does not answer leaves time for those after it. */
static struct mono share_of(struct mono deadline, int n_left)
{
	struct mono now = mono_now();

	if (mono_is_never(deadline) || !mono_before(now, deadline))
		return deadline;
	return (struct mono){ now.us + (deadline.us - now.us) / n_left };
}

static int dial_list(const char *host, const struct strv *addresses,
		     const char *port, struct mono deadline, struct err *err)
{
	AUTO_BUF struct buf words = { .base = NULL };
	AUTO_ERR struct err e = { 0 };
	int left = (int)addresses->n;

	for (size_t i = 0; i < addresses->n; i++, left--) {
		const char *address = addresses->v[i];
		int fd = dial_address(address, port, share_of(deadline, left),
				      &e);

		if (fd >= 0)
			return fd;
		if (e.kind == ERR_CANCELLED) {
			err_move(err, &e);
			return -1;
		}
		buf_printf(&words, "%s%s: %s", buf_len(&words) ? "; " : "",
			   address, e.message);
	}
	err_set(err, e.kind == ERR_TIMEOUT ? ERR_TIMEOUT : ERR_NETWORK, "%s",
		buf_data(&words));
	return err_wrap(err, ERR_NONE, "cannot connect to %s port %s", host,
			port);
}

int stream_fd_dial_tcp(const char *host, const char *port, struct mono deadline,
		       struct err *err)
{
	AUTO_STRV struct strv addresses = { .v = NULL };

	if (find_addresses(host, &addresses, deadline, err) < 0)
		return -1;
	return dial_list(host, &addresses, port, deadline, err);
}

char *stream_fd_peer_address(int fd)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	char number[NI_MAXHOST];

	if (getpeername(fd, (struct sockaddr *)&peer, &len) < 0 ||
	    getnameinfo((struct sockaddr *)&peer, len, number, sizeof(number),
			NULL, 0, NI_NUMERICHOST))
		return NULL;
	return xstrdup(number);
}
