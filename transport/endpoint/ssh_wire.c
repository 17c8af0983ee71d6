/* SPDX-License-Identifier: MIT */
/* ssh_wire: the socket below an SSH session, seen from libssh2. */
#include "transport/endpoint/ssh_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "transport/base/xalloc.h"

enum {
	WIRE_CHUNK_BYTES = 64 * 1024,
	WIRE_SMALL_BYTES = 4096,
	WIRE_STREAM_BYTES = 64 * 1024,
};

unsigned int ssh_wire_round_trip_us(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return 0;
	return info.tcpi_rtt;
}

void ssh_wire_limit(int fd, unsigned int round_trip_us)
{
	const int sndbuf = SSH_WIRE_SNDBUF, on = 1;

	/* these two fail where the way there is a proxy's socket */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &sndbuf,
		       sizeof(sndbuf)) < 0 ||
	    round_trip_us < SSH_WIRE_NEAR_US)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &sndbuf,
				 sizeof(sndbuf));
}

void ssh_wire_init(struct ssh_wire *w, int fd)
{
	int flags = fcntl(fd, F_GETFL);

	*w = (struct ssh_wire){ .fd = fd, .asked = MONO_NEVER };
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		w->errnum = errno;
}

void ssh_wire_fini(struct ssh_wire *w)
{
	close_fd(w->fd);
	buf_free(&w->in);
	buf_free(&w->out);
	buf_free(&w->first);
	free(w->farewell);
	*w = (struct ssh_wire){ .fd = -1, .eof = true, .asked = MONO_NEVER };
}

void ssh_wire_cut(struct ssh_wire *w)
{
	if (!w->errnum)
		w->errnum = ECONNRESET;
	buf_free(&w->in);
	buf_free(&w->out);
}

int ssh_wire_why(const struct ssh_wire *w, struct err *err)
{
	if (w->farewell)
		return err_set(err, ERR_NETWORK, "it disconnected: %s",
			       w->farewell);
	if (w->errnum)
		return err_set(err, ERR_NETWORK, "%s", strerror(w->errnum));
	return err_set(err, ERR_NETWORK, "it closed the connection");
}

/* --- the two directions -------------------------------------------------- */

/*
 * sshd leaves Nagle's algorithm on for much of what it says: its second small
 * packet waits for our ACK of the first, which the kernel would delay by 40 ms.
 */
static void acknowledge(const struct ssh_wire *w)
{
	const int on = 1;

	(void)setsockopt(w->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

static void keep_first(struct ssh_wire *w, const void *data, size_t n)
{
	size_t room = SSH_WIRE_FIRST_MAX - buf_len(&w->first);

	if (w->keeps_first)
		buf_append(&w->first, data, n < room ? n : room);
}

void ssh_wire_forget_first(struct ssh_wire *w)
{
	w->keeps_first = false;
	buf_free(&w->first);
}

/* recv(2) with the bookkeeping; 0 when nothing is there, or on failure. */
static size_t wire_receive(struct ssh_wire *w, void *data, size_t len)
{
	ssize_t n;

	if (ssh_wire_dead(w) || (w->gated && !w->readable))
		return 0;
	do
		n = recv(w->fd, data, len, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	w->readable = n == (ssize_t)len;
	if (n < 0) {
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			w->errnum = errno;
		return 0;
	}
	if (n == 0) {
		w->eof = true;
		return 0;
	}
	keep_first(w, data, (size_t)n);
	w->received_bytes += (uint64_t)n;
	w->asked = MONO_NEVER;
	/* a stream that goes out takes ACKs along */
	if (n < WIRE_SMALL_BYTES && w->sent_since < WIRE_STREAM_BYTES)
		acknowledge(w);
	w->sent_since = 0;
	return (size_t)n;
}

static size_t wire_send(struct ssh_wire *w, const void *data, size_t len)
{
	ssize_t n;

	if (w->errnum)
		return 0;
	do
		n = send(w->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0) {
		w->sent_since += (size_t)n;
		return (size_t)n;
	}
	if (errno != EAGAIN && errno != EWOULDBLOCK)
		w->errnum = errno;
	return 0;
}

void ssh_wire_fill(struct ssh_wire *w)
{
	size_t n;

	while (buf_len(&w->in) < SSH_WIRE_IN_MAX) {
		void *room = buf_reserve(&w->in, WIRE_CHUNK_BYTES);

		n = wire_receive(w, room, WIRE_CHUNK_BYTES);
		if (!n)
			return;
		buf_commit(&w->in, n);
	}
}

void ssh_wire_flush(struct ssh_wire *w)
{
	while (buf_len(&w->out) && !w->errnum) {
		size_t n = wire_send(w, buf_data(&w->out), buf_len(&w->out));

		if (!n)
			return;
		buf_consume(&w->out, n);
	}
}

/* --- what libssh2 calls -------------------------------------------------- */

static ssize_t wire_on_recv(libssh2_socket_t fd, void *data, size_t len,
			    int flags, void **abstract)
{
	struct ssh_wire *w = *abstract;
	size_t n = buf_len(&w->in);

	(void)fd;
	(void)flags;
	if (n) {
		if (n > len)
			n = len;
		memcpy(data, buf_data(&w->in), n);
		buf_consume(&w->in, n);
		return (ssize_t)n;
	}
	n = wire_receive(w, data, len);
	if (n)
		return (ssize_t)n;
	if (w->errnum)
		return -w->errnum;
	return w->eof ? 0 : -EAGAIN;
}

static ssize_t wire_on_send(libssh2_socket_t fd, const void *data, size_t len,
			    int flags, void **abstract)
{
	struct ssh_wire *w = *abstract;
	size_t n = 0;

	(void)fd;
	(void)flags;
	if (!buf_len(&w->out))
		n = wire_send(w, data, len);
	if (w->errnum)
		return -w->errnum;
	if (n < len)
		buf_append(&w->out, (const char *)data + n, len - n);
	return (ssize_t)len;
}

static void wire_on_disconnect(LIBSSH2_SESSION *raw, int reason,
			       const char *text, int text_len,
			       const char *language, int language_len,
			       void **abstract)
{
	struct ssh_wire *w = *abstract;

	(void)raw;
	(void)reason;
	(void)language;
	(void)language_len;
	if (!w->farewell && text && text_len > 0)
		w->farewell = xstrndup(text, (size_t)text_len);
}

/* libssh2 1.11.1 has deprecated the call that takes a void pointer. */
static void wire_set_callback(LIBSSH2_SESSION *raw, int which, void (*fn)(void))
{
#if LIBSSH2_VERSION_NUM >= 0x010b01
	libssh2_session_callback_set2(raw, which, fn);
#else
	union {
		void (*fn)(void);
		void *any;
	} call = { .fn = fn };

	libssh2_session_callback_set(raw, which, call.any);
#endif
}

void ssh_wire_attach(struct ssh_wire *w, LIBSSH2_SESSION *raw)
{
	*libssh2_session_abstract(raw) = w;
	w->keeps_first = true;
	wire_set_callback(raw, LIBSSH2_CALLBACK_RECV,
			  (void (*)(void))wire_on_recv);
	wire_set_callback(raw, LIBSSH2_CALLBACK_SEND,
			  (void (*)(void))wire_on_send);
	wire_set_callback(raw, LIBSSH2_CALLBACK_DISCONNECT,
			  (void (*)(void))wire_on_disconnect);
}

/* --- silence ------------------------------------------------------------- */

void ssh_wire_asked(struct ssh_wire *w, struct mono now)
{
	if (mono_is_never(w->asked))
		w->asked = now;
}

double ssh_wire_silent_ms(const struct ssh_wire *w, struct mono now)
{
	double ms = mono_is_never(w->asked) ? 0 : mono_diff_ms(now, w->asked);

	return ms > 0 ? ms : 0;
}

int ssh_wire_check_silence(const struct ssh_wire *w, struct mono now,
			   int limit_ms, struct err *err)
{
	double silent_ms = ssh_wire_silent_ms(w, now);

	if (silent_ms < limit_ms || silent_ms == 0)
		return 0;
	return err_set(err, ERR_NETWORK, "no sign of life for %.1f s",
		       silent_ms / 1000);
}
