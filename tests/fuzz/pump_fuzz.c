/* SPDX-License-Identifier: MIT */
/*
 * A channel's pump between two sides that take and give as they like: every
 * byte arrives, once and in order, or the end has a fault.
 *
 * Input: a byte of flags, a relay's hold in units of 10 ms, then a byte for
 * each thing that a side is asked: what it does. When all were used, what was
 * given is all there is, and everything is taken.
 */
#include <errno.h>
#include <libssh2.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/fuzz/fuzz_input.h"
#include "transport/base/xalloc.h"
#include "transport/endpoint/endpoint_channel.h"
#include "transport/endpoint/endpoint_far.h"
#include "transport/endpoint/endpoint_state.h"

enum { SSH = 1, COMMAND = 2 };
enum { TICK_MS = 10, TICKS_MAX = 20000, ID = 7, PERIOD = 64 * 1024 };

/* Descriptors that nobody has. */
enum { LOCAL = 100000, LOCAL_OUT, LOCAL_ERR, FAR };

enum way { OUT, IN, ERR, WAYS };

static struct flow {
	uint64_t given, taken;
	bool ended;    /* its source has nothing more */
	bool broken;   /* by an error, at its source */
	bool deaf;     /* its sink takes nothing more */
	bool informed; /* its sink knows of the end */
} flows[WAYS];

static struct {
	struct endpoint endpoint;
	struct control_counters counters;
	struct fuzz_input script;
	struct mono now, far_ended; /* 0: it has not */
	bool command, eof_said, ended;
	int fault;
	jmp_buf failed;
} at;

/* What a flow carries from byte @i on, for as long as a lane. */
static const unsigned char *bytes_of(enum way way, uint64_t i)
{
	static unsigned char pattern[3 * PERIOD];

	if (!pattern[1]) {
		for (size_t k = 0; k < sizeof(pattern); k++)
			pattern[k] = (unsigned char)(k * 131 + (k >> 8));
	}
	return pattern + (size_t)way * 77 + i % PERIOD;
}

/* --- what a side does ----------------------------------------------------- */

enum deed { NOTHING, INTERRUPTED, END, BREAK, MOVE };

/* *n: in, at most; out, how many bytes. */
static enum deed next_deed(size_t *n, enum deed at_last)
{
	unsigned int d;

	if (!at.script.len)
		return at_last;
	d = fuzz_take(&at.script);
	*n = *n ? 1 + (*n - 1) * (d >> 3) / 31 : 0;
	switch (d & 7) {
	case 0:
		return NOTHING;
	case 1:
		return INTERRUPTED;
	case 2:
		return d >> 3 == 0 ? END : d >> 3 == 1 ? BREAK : MOVE;
	default:
		return MOVE;
	}
}

static void far_ends(void)
{
	if (!at.far_ended.us)
		at.far_ended = at.now;
}

static enum deed give(enum way way, unsigned char *data, size_t *len)
{
	struct flow *f = &flows[way];
	enum deed deed = f->broken  ? BREAK
			 : f->ended ? END
				    : next_deed(len, END);

	if (deed == END || deed == BREAK) {
		if (way == IN)
			far_ends();
		f->ended = true;
		f->broken = deed == BREAK;
	}
	if (deed == MOVE) {
		memcpy(data, bytes_of(way, f->given), *len);
		f->given += *len;
	}
	return deed;
}

static enum deed take(enum way way, const unsigned char *data, size_t *len)
{
	struct flow *f = &flows[way];
	enum deed deed = f->deaf ? BREAK : next_deed(len, MOVE);

	fuzz_claim(!f->informed, "nothing follows the end");
	if (deed == END)
		deed = NOTHING;
	f->deaf = deed == BREAK;
	if (f->deaf && way == OUT)
		far_ends();
	if (deed == MOVE) {
		fuzz_claim(!memcmp(data, bytes_of(way, f->taken), *len),
			   "bytes arrive once and in order");
		f->taken += *len;
	}
	return deed;
}

static void report_end(enum way way)
{
	fuzz_claim(!flows[way].informed, "an end is reported once");
	fuzz_claim(flows[way].ended && flows[way].taken == flows[way].given,
		   "all comes before the end");
	flows[way].informed = true;
}

/* --- sockets -------------------------------------------------------------- */

ssize_t __wrap_recv(int fd, void *data, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t len, int flags);
int __wrap_shutdown(int fd, int how);

static ssize_t result(enum deed deed, size_t len, int broken)
{
	if (deed == MOVE)
		return (ssize_t)len;
	if (deed == END)
		return 0;
	errno = deed == BREAK ? broken : deed == NOTHING ? EAGAIN : EINTR;
	return -1;
}

ssize_t __wrap_recv(int fd, void *data, size_t len, int flags)
{
	enum deed deed = give(fd == FAR ? IN : OUT, data, &len);

	(void)flags;
	return result(deed, len, ECONNRESET);
}

static enum way way_to(int fd)
{
	return fd == FAR ? OUT : fd == LOCAL_ERR ? ERR : IN;
}

ssize_t __wrap_send(int fd, const void *data, size_t len, int flags)
{
	enum deed deed = take(way_to(fd), data, &len);

	(void)flags;
	return result(deed, len, EPIPE);
}

int __wrap_shutdown(int fd, int how)
{
	fuzz_claim(how == SHUT_WR, "the other direction stays open");
	if (fd == LOCAL)
		fuzz_claim(at.eof_said, "the parent hears of an end first");
	if (fd == LOCAL && !at.endpoint.raw)
		fuzz_claim(mono_diff_ms(at.now, at.far_ended) >=
				   at.endpoint.hold_ms,
			   "a relay keeps an end back");
	report_end(way_to(fd));
	return 0;
}

/* --- libssh2 -------------------------------------------------------------- */

ssize_t __wrap_libssh2_channel_read_ex(LIBSSH2_CHANNEL *c, int stream,
				       char *data, size_t len);
ssize_t __wrap_libssh2_channel_write_ex(LIBSSH2_CHANNEL *c, int stream,
					const char *data, size_t len);
int __wrap_libssh2_channel_eof(LIBSSH2_CHANNEL *c);
int __wrap_libssh2_channel_send_eof(LIBSSH2_CHANNEL *c);
int __wrap_libssh2_channel_wait_closed(LIBSSH2_CHANNEL *c);
int __wrap_libssh2_channel_free(LIBSSH2_CHANNEL *c);
int __wrap_libssh2_channel_get_exit_status(LIBSSH2_CHANNEL *c);
int __wrap_libssh2_channel_get_exit_signal(LIBSSH2_CHANNEL *c, char **name,
					   size_t *name_len, char **text,
					   size_t *text_len, char **language,
					   size_t *language_len);
void __wrap_libssh2_free(LIBSSH2_SESSION *s, void *p);

ssize_t __wrap_libssh2_channel_read_ex(LIBSSH2_CHANNEL *c, int stream,
				       char *data, size_t len)
{
	(void)c;
	fuzz_claim(len == ENDPOINT_FAR_READ_BYTES, "all reads ask for as much");
	switch (give(stream ? ERR : IN, (unsigned char *)data, &len)) {
	case MOVE:
		/* is dropped */
		if (stream && !at.command)
			flows[ERR].given -= len;
		return (ssize_t)len;
	case END:
		return 0;
	case BREAK:
		return LIBSSH2_ERROR_SOCKET_RECV;
	default:
		return LIBSSH2_ERROR_EAGAIN;
	}
}

ssize_t __wrap_libssh2_channel_write_ex(LIBSSH2_CHANNEL *c, int stream,
					const char *data, size_t len)
{
	(void)c;
	(void)stream;
	switch (take(OUT, (const unsigned char *)data, &len)) {
	case MOVE:
		return (ssize_t)len;
	case BREAK:
		return LIBSSH2_ERROR_CHANNEL_CLOSED;
	default:
		return LIBSSH2_ERROR_EAGAIN;
	}
}

int __wrap_libssh2_channel_eof(LIBSSH2_CHANNEL *c)
{
	(void)c;
	return flows[IN].ended && (!at.command || flows[ERR].ended);
}

int __wrap_libssh2_channel_send_eof(LIBSSH2_CHANNEL *c)
{
	size_t none = 0;

	(void)c;
	if (next_deed(&none, MOVE) == NOTHING)
		return LIBSSH2_ERROR_EAGAIN;
	report_end(OUT);
	return 0;
}

int __wrap_libssh2_channel_wait_closed(LIBSSH2_CHANNEL *c)
{
	size_t none = 0;

	(void)c;
	return next_deed(&none, MOVE) == NOTHING ? LIBSSH2_ERROR_EAGAIN : 0;
}

int __wrap_libssh2_channel_free(LIBSSH2_CHANNEL *c)
{
	(void)c;
	return 0;
}

int __wrap_libssh2_channel_get_exit_status(LIBSSH2_CHANNEL *c)
{
	(void)c;
	return 0;
}

int __wrap_libssh2_channel_get_exit_signal(LIBSSH2_CHANNEL *c, char **name,
					   size_t *name_len, char **text,
					   size_t *text_len, char **language,
					   size_t *language_len)
{
	(void)c;
	(void)name;
	(void)name_len;
	(void)text;
	(void)text_len;
	(void)language;
	(void)language_len;
	return 0;
}

void __wrap_libssh2_free(LIBSSH2_SESSION *s, void *p)
{
	(void)s;
	(void)p;
}

/* --- the endpoint around it ----------------------------------------------- */

int __wrap_control_send(int fd, const struct control_head *head,
			const void *text, size_t len, const int *fds,
			size_t n_fds, struct err *err);
void __wrap_endpoint_failed(struct endpoint *e, long rc)
	__attribute__((noreturn));

int __wrap_control_send(int fd, const struct control_head *head,
			const void *text, size_t len, const int *fds,
			size_t n_fds, struct err *err)
{
	(void)fd;
	(void)text;
	(void)fds;
	(void)n_fds;
	(void)err;
	at.eof_said |= head->word == CONTROL_EOF;
	if (head->word == CONTROL_ENDED) {
		at.ended = true;
		at.fault = head->a;
		fuzz_claim(!at.fault || len, "a fault is explained");
	}
	return 0;
}

void __wrap_endpoint_failed(struct endpoint *e, long rc)
{
	(void)e;
	fuzz_claim(rc == LIBSSH2_ERROR_SOCKET_RECV, "only what failed, failed");
	longjmp(at.failed, 1);
}

/* As its order has opened it. */
static struct endpoint_channel *open_channel(struct endpoint *e)
{
	struct endpoint_channel *c;

	if (!e->raw)
		return NULL;
	e->in.head.a = at.command ? CONTROL_EXEC : CONTROL_UNIX;
	c = endpoint_channel_new(e);
	free(STEAL(c->message));
	c->raw = (LIBSSH2_CHANNEL *)&at;
	c->state = ENDPOINT_CHANNEL_OPEN;
	return c;
}

static void attach(struct endpoint *e, unsigned int flags)
{
	struct endpoint_channel *c;

	at.command = (flags & SSH) && (flags & COMMAND);
	e->phase = CONTROL_AT_WORK;
	e->counters = &at.counters;
	e->wire.fd = FAR;
	e->raw = flags & SSH ? (LIBSSH2_SESSION *)&at : NULL;
	e->in.head.id = ID;
	c = open_channel(e);
	e->in.n_fds = at.command ? CONTROL_FDS_MAX : 1;
	for (int i = 0; i < CONTROL_FDS_MAX; i++)
		e->in.fds[i] = LOCAL + i;
	endpoint_channel_attach(e, c);
}

static void claim_bounds(void)
{
	for (size_t i = 0; i < WAYS; i++)
		fuzz_claim(flows[i].given - flows[i].taken <=
				   ENDPOINT_LANE_BYTES,
			   "little is parked");
	fuzz_claim(at.counters.sent_bytes == flows[OUT].taken &&
			   at.counters.received_bytes ==
				   flows[IN].taken + flows[ERR].taken,
		   "bytes are counted");
}

static void claim_end(void)
{
	fuzz_claim(at.ended, "it comes to an end");
	if (at.fault)
		return;
	fuzz_claim(flows[IN].informed, "this side has all and knows the end");
	if (at.command)
		fuzz_claim(flows[ERR].informed, "and of the errors");
	else
		fuzz_claim(flows[OUT].informed,
			   "the far side knows the end, too");
}

static void pump(struct endpoint *e)
{
	/* as poll(2) would say of a descriptor that was found dry */
	const struct pollfd readable[ENDPOINT_CHANNEL_POLLS] = {
		{ .revents = POLLIN }
	};

	for (int i = 0; i < TICKS_MAX && !at.ended; i++) {
		at.now = mono_add_ms(at.now, TICK_MS);
		(void)endpoint_channel_step(e, e->channels, at.now);
		if (!at.ended)
			endpoint_channel_polled(e->channels, readable);
		claim_bounds();
	}
	claim_end();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	unsigned int flags = fuzz_take(&in);
	struct endpoint *e = &at.endpoint;

	memset(&at, 0, sizeof(at));
	memset(flows, 0, sizeof(flows));
	e->hold_ms = (int)fuzz_take(&in) * TICK_MS;
	at.script = in;
	at.now = mono_now();
	attach(e, flags);
	if (!setjmp(at.failed))
		pump(e);
	endpoint_channel_close(e->channels);
	endpoint_channel_reap(e);
	fuzz_claim(!e->channels, "nothing is left");
	return 0;
}
