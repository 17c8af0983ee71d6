/* SPDX-License-Identifier: MIT */
/* endpoint_channel: one channel, between the server and this machine. */
#include "transport/endpoint/endpoint_channel.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "transport/base/xalloc.h"
#include "transport/endpoint/endpoint_far.h"
#include "transport/endpoint/endpoint_state.h"

/* So many packets, then the others have their turn. */
enum { BURST = 4 };

/* --- the list ------------------------------------------------------------- */

static struct endpoint_channel *add(struct endpoint *e, uint32_t id)
{
	struct endpoint_channel *c = XNEW(struct endpoint_channel);

	c->id = id;
	for (size_t i = 0; i < CONTROL_FDS_MAX; i++)
		c->fds[i] = -1;
	c->end_due = MONO_NEVER;
	c->next = e->channels;
	e->channels = c;
	return c;
}

struct endpoint_channel *endpoint_channel_new(struct endpoint *e)
{
	struct endpoint_channel *c;
	size_t n = 0;

	for (c = e->channels; c; c = c->next) {
		n++;
		if (c->id == e->in.head.id)
			endpoint_die(e, CONTROL_FAULT_INTERNAL,
				     "a channel's number is in use");
	}
	if (n >= CONTROL_CHANNELS_MAX)
		endpoint_die(e, CONTROL_FAULT_INTERNAL, "too many channels");
	c = add(e, e->in.head.id);
	c->kind = (enum control_channel)e->in.head.a;
	c->message_len = e->in.len;
	c->message = xmalloc(e->in.len + 1);
	memcpy(c->message, e->in.text, e->in.len);
	return c;
}

struct endpoint_channel *endpoint_channel_find(struct endpoint *e, uint32_t id)
{
	struct endpoint_channel *c = e->channels;

	while (c && c->id != id)
		c = c->next;
	return c;
}

static void close_fds(struct endpoint_channel *c)
{
	if (c->one_socket)
		c->fds[1] = -1;
	for (size_t i = 0; i < CONTROL_FDS_MAX; i++)
		close_fd(steal_fd(&c->fds[i]));
}

void endpoint_channel_close(struct endpoint_channel *c)
{
	/* one that is being opened is left to its order */
	if (c->state != ENDPOINT_CHANNEL_WAITING)
		close_fds(c);
	c->state = ENDPOINT_CHANNEL_CLOSING;
}

static void channel_free(struct endpoint_channel *c)
{
	close_fds(c);
	endpoint_lane_fini(&c->out);
	endpoint_lane_fini(&c->in);
	endpoint_lane_fini(&c->err);
	free(c->message);
	free(c->words);
	free(c);
}

void endpoint_channel_reap(struct endpoint *e)
{
	struct endpoint_channel **at = &e->channels;

	while (*at) {
		struct endpoint_channel *c = *at;

		if (c->state != ENDPOINT_CHANNEL_CLOSING || c->message ||
		    (c->raw && endpoint_did(e, libssh2_channel_free(c->raw)) ==
				       LIBSSH2_ERROR_EAGAIN)) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		e->just_closed = true;
		channel_free(c);
	}
}

/* --- attaching ------------------------------------------------------------ */

static void take_fds(struct endpoint *e, struct endpoint_channel *c)
{
	for (size_t i = 0; i < e->in.n_fds; i++)
		c->fds[i] = steal_fd(&e->in.fds[i]);
	c->one_socket = e->in.n_fds == 1;
	if (c->one_socket)
		c->fds[1] = c->fds[0];
}

void endpoint_channel_attach(struct endpoint *e, struct endpoint_channel *c)
{
	if (!c && !e->raw && !e->channels) {
		c = add(e, e->in.head.id);
		c->state = ENDPOINT_CHANNEL_OPEN;
	}
	if (!c || c->state != ENDPOINT_CHANNEL_OPEN ||
	    (e->in.n_fds != 1 && (!e->raw || e->in.n_fds != CONTROL_FDS_MAX)))
		endpoint_die(e, CONTROL_FAULT_INTERNAL, "ATTACH");
	take_fds(e, c);
	endpoint_lane_init(&c->out);
	endpoint_lane_init(&c->in);
	if (!c->one_socket)
		endpoint_lane_init(&c->err);
	c->state = ENDPOINT_CHANNEL_ATTACHED;
}

/* --- this side ------------------------------------------------------------ */

void endpoint_channel_fault(struct endpoint_channel *c, enum control_fault what,
			    const char *text, int errnum)
{
	if (c->fault)
		return;
	c->fault = what;
	c->words = errnum ? xasprintf("%s: %s", text, strerror(errnum))
			  : xstrdup(text);
}

/* Bytes; 0: nothing now, the end, or a fault. */
static size_t local_read(struct endpoint_channel *c, void *data, size_t len,
			 bool *end)
{
	ssize_t n = recv(c->fds[0], data, len, MSG_DONTWAIT);

	if (n > 0)
		return (size_t)n;
	if (n == 0)
		*end = true;
	else if (errno != EAGAIN && errno != EINTR)
		endpoint_channel_fault(c, CONTROL_FAULT_LOCAL,
				       "cannot read from the local socket",
				       errno);
	return 0;
}

static size_t local_write(struct endpoint_channel *c, int fd, const void *data,
			  size_t len)
{
	ssize_t n = send(fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n >= 0)
		return (size_t)n;
	if (errno != EAGAIN && errno != EINTR)
		endpoint_channel_fault(c, CONTROL_FAULT_LOCAL,
				       "cannot write to the local socket",
				       errno);
	return 0;
}

/* --- lanes: each returns whether something moved -------------------------- */

static void count(_Atomic uint64_t *counter, size_t n, struct endpoint *e,
		  struct mono now)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
	atomic_store_explicit(&e->counters->progress_us, now.us,
			      memory_order_relaxed);
}

static bool fill_out(struct endpoint_channel *c, struct mono now)
{
	struct endpoint_lane *l = &c->out;
	bool end = false;
	unsigned char *room;
	size_t len, n;

	if (!endpoint_lane_wants(l) || l->dry)
		return false;
	room = endpoint_lane_room(l, &len);
	n = local_read(c, room, len, &end);
	endpoint_lane_filled(l, n, now);
	l->dry = n < len;
	if (end)
		l->end = ENDPOINT_LANE_EOF;
	return n || end;
}

static bool drain_out(struct endpoint *e, struct endpoint_channel *c,
		      struct mono now)
{
	struct endpoint_lane *l = &c->out;
	bool moved = false;
	size_t n;

	for (int i = 0; i < BURST && endpoint_lane_has(l); i++) {
		n = endpoint_far_write(e, c, l->bytes + l->start, l->len, now);
		if (!n)
			return moved;
		endpoint_lane_drained(l, n, now);
		count(&e->counters->sent_bytes, n, e, now);
		moved = true;
	}
	if (l->len || l->end != ENDPOINT_LANE_EOF ||
	    !endpoint_far_send_eof(e, c))
		return moved;
	l->end = ENDPOINT_LANE_DONE;
	return true;
}

static bool fill_in(struct endpoint *e, struct endpoint_channel *c,
		    struct endpoint_lane *l, int stream, struct mono now)
{
	bool end = false;
	unsigned char *room;
	size_t len, n;

	if (!endpoint_lane_wants(l))
		return false;
	room = endpoint_lane_room(l, &len);
	assert(len >= ENDPOINT_FAR_READ_BYTES);
	n = endpoint_far_read(e, c, stream, room, &end, now);
	endpoint_lane_filled(l, n, now);
	if (end)
		l->end = ENDPOINT_LANE_EOF;
	return n || end;
}

static bool drain_in(struct endpoint *e, struct endpoint_channel *c,
		     struct endpoint_lane *l, int fd, struct mono now)
{
	size_t n;

	if (l->len) {
		n = local_write(c, fd, l->bytes + l->start, l->len);
		if (!n)
			return false;
		endpoint_lane_drained(l, n, now);
		count(&e->counters->received_bytes, n, e, now);
		return true;
	}
	if (l->end != ENDPOINT_LANE_EOF)
		return false;
	l->end = ENDPOINT_LANE_DONE;
	if (c->one_socket)
		endpoint_say_of(e, CONTROL_EOF, c->id, 0, 0, NULL);
	(void)shutdown(fd, SHUT_WR);
	return true;
}

/* --- its end -------------------------------------------------------------- */

static int signal_number(const char *name)
{
	for (int i = 1; i < NSIG; i++) {
		const char *known = sigabbrev_np(i);

		if (known && !strcmp(known, name))
			return i;
	}
	return 127;
}

static int exit_status(struct endpoint *e, struct endpoint_channel *c)
{
	char *name = NULL;
	int status;

	if (!c->raw)
		return 0;
	status = libssh2_channel_get_exit_status(c->raw);
	libssh2_channel_get_exit_signal(c->raw, &name, NULL, NULL, NULL, NULL,
					NULL);
	if (name)
		status = 128 + signal_number(name);
	libssh2_free(e->raw, name);
	return status;
}

/*
 * A connection ends when both directions have. A command ends when it has and
 * its output was read, whether or not it took its input.
 */
static bool has_ended(struct endpoint *e, struct endpoint_channel *c)
{
	if (c->fault)
		return true;
	if (c->in.end != ENDPOINT_LANE_DONE)
		return false;
	if (c->one_socket)
		return c->out.end == ENDPOINT_LANE_DONE;
	return c->err.end == ENDPOINT_LANE_DONE && endpoint_far_closed(e, c);
}

static void end(struct endpoint *e, struct endpoint_channel *c)
{
	/* said before the parent, or QEMU, can see it */
	endpoint_say_of(e, CONTROL_ENDED, c->id, (int32_t)c->fault,
			exit_status(e, c), c->words);
	close_fds(c);
	c->state = ENDPOINT_CHANNEL_CLOSING;
}

bool endpoint_channel_step(struct endpoint *e, struct endpoint_channel *c,
			   struct mono now)
{
	bool moved = false;

	if (c->state != ENDPOINT_CHANNEL_ATTACHED)
		return false;
	moved |= fill_out(c, now);
	moved |= drain_out(e, c, now);
	moved |= fill_in(e, c, &c->in, 0, now);
	moved |= drain_in(e, c, &c->in, c->fds[1], now);
	if (c->one_socket) {
		moved |= endpoint_far_drop_stderr(e, c, now);
	} else {
		moved |= fill_in(e, c, &c->err, SSH_EXTENDED_DATA_STDERR, now);
		moved |= drain_in(e, c, &c->err, c->fds[2], now);
	}
	if (!has_ended(e, c))
		return moved;
	end(e, c);
	return true;
}

/* --- poll(2) -------------------------------------------------------------- */

/*
 * A descriptor from which nothing is wanted is left out: a hang-up on it would
 * be reported again and again.
 */
static struct pollfd wanted(int fd, bool in, bool out)
{
	short events = (short)((in ? POLLIN : 0) | (out ? POLLOUT : 0));

	return (struct pollfd){ .fd = events ? fd : -1, .events = events };
}

int endpoint_channel_poll(struct endpoint_channel *c, struct pollfd *p)
{
	bool in = c->state == ENDPOINT_CHANNEL_ATTACHED &&
		  endpoint_lane_wants(&c->out);
	bool out = c->state == ENDPOINT_CHANNEL_ATTACHED && c->in.len;

	p[0] = wanted(c->fds[0], in, out && c->one_socket);
	p[1] = wanted(c->fds[1], false, out && !c->one_socket);
	p[2] = wanted(c->fds[2], false, c->err.len);
	return ENDPOINT_CHANNEL_POLLS;
}

void endpoint_channel_polled(struct endpoint_channel *c, const struct pollfd *p)
{
	if (p[0].revents & ~POLLOUT)
		c->out.dry = false;
}
