/* SPDX-License-Identifier: MIT */
/*
 * The tunnel's pump between a far end that does as the input says and a local
 * socket whose owner stops, leaves or goes on.
 *
 * Input: a byte with the HOW_ bits, two lengths of two bytes (what the local
 * end sends, what the far end has), then a byte for each call of the far end:
 * how many bytes it takes or gives, or that it cannot now, has ended, or has
 * failed. When the bytes are used up it takes and gives all that is left.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fuzz/fuzz_input.h"
#include "transport/base/xalloc.h"
#include "transport/tunnel.h"

enum {
	HOW_STALL = 1,	/* a stall limit of a millisecond */
	HOW_KILL = 2,	/* killed as soon as it was started */
	HOW_LEAVE = 4,	/* the local end leaves after the first bytes */
	HOW_BEATS = 8,	/* heartbeats take from the input, too */
	HOW_LATE = 0x10 /* the limit is set once it runs */
};
enum {
	CALL_NOT_NOW = 0,
	CALL_FAILS = 0xff,
	CALL_ENDS = 0xfe, /* of read: the end of the data */
};
enum { MOST_BYTES = 1 << 16 };

/* Bytes are numbered: one that is lost, doubled or moved shows. */
static unsigned char byte_at(size_t i)
{
	return (unsigned char)(i * 7 + (i >> 8) * 13);
}

static void fill(unsigned char *to, size_t from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] = byte_at(from + i);
}

static bool is_filled(const unsigned char *p, size_t from, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i] != byte_at(from + i))
			return false;
	}
	return true;
}

struct far {
	struct fuzz_input in;
	unsigned int how;
	int ready_fd;	   /* always readable */
	size_t has, given; /* bytes of the far end */
	size_t taken;	   /* of the local end */
	const void *again; /* what has to come again */
	unsigned long again_len;
	bool eof_given, eof_taken, failed, closed;
};

/* Once it has failed the pump has no business here but to close it. */
static bool fails(struct far *f, unsigned int call, struct err *err)
{
	fuzz_claim(!f->failed && !f->closed, "what has failed is left alone");
	if (call != CALL_FAILS)
		return false;
	f->failed = true;
	err_set(err, ERR_NETWORK, "the line is dead");
	return true;
}

/* Of @len bytes, so many; all when the input is used up. */
static size_t part(const struct far *f, unsigned int call, size_t len)
{
	size_t n = f->in.len ? call * (size_t)call : len;

	return n < len ? n : len;
}

static long far_read(void *far, void *data, unsigned long len, bool *eof,
		     struct err *err)
{
	struct far *f = far;
	bool over = !f->in.len;
	unsigned int call = fuzz_take(&f->in);
	size_t n;

	fuzz_claim(!f->eof_given, "nobody reads behind the end");
	if (fails(f, call, err))
		return -1;
	n = f->has - f->given;
	n = over ? (n < len ? n : len) : part(f, call, n < len ? n : len);
	if (call == CALL_ENDS)
		n = 0;
	fill(data, f->given, n);
	f->given += n;
	if (call == CALL_ENDS || (over && f->given == f->has))
		*eof = f->eof_given = true;
	return (long)n;
}

static long far_write(void *far, const void *data, unsigned long len,
		      struct err *err)
{
	struct far *f = far;
	bool over = !f->in.len;
	unsigned int call = fuzz_take(&f->in);
	size_t n;

	fuzz_claim(len > 0 && !f->eof_taken, "bytes come before the end");
	fuzz_claim(!f->again || (f->again == data && f->again_len == len),
		   "what could not go on is written again");
	fuzz_claim(is_filled(data, f->taken, len), "bytes come in order");
	if (fails(f, call, err))
		return -1;
	n = over ? len : part(f, call, len);
	f->again = n ? NULL : data;
	f->again_len = len;
	f->taken += n;
	return (long)n;
}

static int far_send_eof(void *far, struct err *err)
{
	struct far *f = far;
	bool over = !f->in.len;
	unsigned int call = fuzz_take(&f->in);

	fuzz_claim(!f->eof_taken && !f->again, "an end comes once and last");
	if (fails(f, call, err))
		return -1;
	f->eof_taken = over || call != CALL_NOT_NOW;
	return !f->eof_taken;
}

static int far_poll_fd(void *far, bool want_read, bool want_write,
		       short *events)
{
	struct far *f = far;

	*events = want_read || want_write ? POLLIN : 0;
	return f->ready_fd;
}

static int far_heartbeat(void *far, struct mono now, struct mono *next,
			 struct err *err)
{
	struct far *f = far;

	*next = f->how & HOW_BEATS && f->in.len ? now : MONO_NEVER;
	return f->how & HOW_BEATS && fails(f, fuzz_take(&f->in), err) ? -1 : 0;
}

static void far_close(void *far)
{
	struct far *f = far;

	fuzz_claim(!f->closed, "it is closed once");
	f->closed = true;
}

static const struct tunnel_far_ops far_ops = {
	.read = far_read,
	.write = far_write,
	.send_eof = far_send_eof,
	.poll_fd = far_poll_fd,
	.heartbeat = far_heartbeat,
	.close = far_close,
};

/* --- the local end ------------------------------------------------------- */

struct local {
	int fd;
	size_t has, sent, came;
	bool sends, receives;
};

static void send_some(struct local *l)
{
	unsigned char bytes[4096];
	size_t len = l->has - l->sent;
	ssize_t n;

	len = len < sizeof(bytes) ? len : sizeof(bytes);
	fill(bytes, l->sent, len);
	n = send(l->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	l->sends = n >= 0 || errno == EAGAIN;
	l->sent += n > 0 ? (size_t)n : 0;
	if (l->sent < l->has)
		return;
	(void)shutdown(l->fd, SHUT_WR);
	l->sends = false;
}

static void receive_some(struct local *l)
{
	unsigned char bytes[4096];
	ssize_t n = recv(l->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	l->receives = n > 0 || (n < 0 && errno == EAGAIN);
	if (n <= 0)
		return;
	fuzz_claim(is_filled(bytes, l->came, (size_t)n),
		   "bytes arrive in order");
	l->came += (size_t)n;
}

/* Sends all and receives all, unless it leaves. */
static void talk(struct local *l, unsigned int how)
{
	l->sends = l->receives = true;
	while (l->sends || l->receives) {
		struct pollfd p = { .fd = l->fd };

		p.events = (short)((l->sends ? POLLOUT : 0) |
				   (l->receives ? POLLIN : 0));
		(void)poll(&p, 1, -1);
		if (l->sends)
			send_some(l);
		if (l->receives)
			receive_some(l);
		if (how & HOW_LEAVE && l->came) {
			(void)shutdown(l->fd, SHUT_RDWR);
			return;
		}
	}
}

static void await_end(const struct tunnel *t)
{
	struct pollfd p = { .fd = tunnel_end_fd(t), .events = POLLIN };

	/* libFuzzer has a limit for that, and an alarm that interrupts */
	while (poll(&p, 1, -1) < 0)
		fuzz_claim(errno == EINTR, "it ends");
}

static void judge(const struct tunnel *t, const struct far *f,
		  const struct local *l)
{
	AUTO_ERR struct err err = { 0 };
	struct tunnel_stats stats;
	int verdict = tunnel_verdict(t, &err);

	tunnel_stats(t, &stats);
	fuzz_claim(stats.ended && f->closed, "its far end is closed");
	fuzz_claim(stats.sent_bytes == f->taken, "what was taken is counted");
	fuzz_claim(f->taken <= l->sent && l->came <= f->given,
		   "nothing comes from nowhere");
	fuzz_claim(f->given - stats.received_bytes <= TUNNEL_BUFFER_BYTES,
		   "buffers are bounded");
	fuzz_claim((verdict == 0) == (err.kind == ERR_NONE),
		   "a failure says why");
	fuzz_claim(tunnel_has_stalled(t) == (err.kind == ERR_TIMEOUT),
		   "a stall is known");
	fuzz_claim(!f->failed || verdict < 0, "a failure is no orderly end");
	if (verdict == 0)
		fuzz_claim(f->taken == l->sent && f->eof_taken && f->eof_given,
			   "an orderly end is that of both directions");
}

static size_t take_length(struct fuzz_input *in)
{
	unsigned int high = fuzz_take(in);

	return (high << 8 | fuzz_take(in)) % MOST_BYTES;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct far f = { .in = { data, size } };
	struct local l = { .fd = -1 };
	struct tunnel *t;
	int stall_ms;

	f.how = fuzz_take(&f.in);
	l.has = take_length(&f.in);
	f.has = take_length(&f.in);
	f.ready_fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	stall_ms = f.how & HOW_STALL ? 1 : 0;
	t = tunnel_new("hostb", &far_ops, &f);
	l.fd = tunnel_start_pair(t, f.how & HOW_LATE ? 0 : stall_ms, NULL);
	fuzz_claim(l.fd >= 0, "a tunnel can be started");
	if (f.how & HOW_LATE)
		tunnel_set_stall(t, stall_ms);
	if (f.how & HOW_KILL)
		tunnel_kill(t);
	talk(&l, f.how);
	await_end(t);
	judge(t, &f, &l);
	tunnel_free(t);
	close_fd(l.fd);
	close_fd(f.ready_fd);
	return 0;
}
