/* SPDX-License-Identifier: MIT */
/* endpoint_work: the loop of an endpoint that is logged in. */
#include "transport/endpoint/endpoint_work.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "transport/base/xalloc.h"
#include "transport/endpoint/cipher_hook.h"
#include "transport/endpoint/endpoint_channel.h"
#include "transport/endpoint/endpoint_order.h"
#include "transport/endpoint/endpoint_state.h"

/* So many turns that moved something, then poll(2) is asked again. */
enum { TURNS_A_POLL = 4 };

/* Where they are in what poll(2) gets. */
enum {
	AT_CONTROL,
	AT_SERVER,
	AT_CHANNELS,
	POLLS = AT_CHANNELS + CONTROL_CHANNELS_MAX * ENDPOINT_CHANNEL_POLLS,
};

/* --- the parent ----------------------------------------------------------- */

static void obey(struct endpoint *e)
{
	struct endpoint_channel *c = endpoint_channel_find(e, e->in.head.id);

	switch (e->in.head.word) {
	case CONTROL_OPEN:
		endpoint_order_open(e, endpoint_channel_new(e));
		break;
	case CONTROL_ATTACH:
		endpoint_channel_attach(e, c);
		break;
	case CONTROL_CLOSE:
		if (c)
			endpoint_channel_close(c);
		break;
	default:
		endpoint_order_ping(e, e->in.head.id);
		break;
	}
	control_drop_fds(&e->in);
}

/* --- moving --------------------------------------------------------------- */

static bool step_channels(struct endpoint *e, struct mono now)
{
	bool moved = false;

	for (struct endpoint_channel *c = e->channels; c; c = c->next)
		moved |= endpoint_channel_step(e, c, now);
	return moved;
}

static bool step(struct endpoint *e, struct mono now)
{
	bool moved = endpoint_order_step(e, now);

	moved |= step_channels(e, now);
	endpoint_channel_reap(e);
	if (!e->raw || moved)
		return moved;
	/* what nobody has asked for is read ahead, to notice the end */
	if (e->wire.readable)
		ssh_wire_fill(&e->wire);
	if (ssh_wire_dead(&e->wire))
		endpoint_order_last_words(e);
	return false;
}

static int64_t earliest(int64_t a, int64_t b)
{
	return a && (!b || a < b) ? a : b;
}

/* Once a turn. */
static void publish(struct endpoint *e, struct mono now)
{
	struct control_counters *to = e->counters;
	int64_t out = 0, in = 0;

	for (struct endpoint_channel *c = e->channels; c; c = c->next) {
		if (c->out.len)
			out = earliest(c->out.since.us, out);
		if (c->in.len)
			in = earliest(c->in.since.us, in);
	}
	atomic_store(&to->out_since_us, out);
	atomic_store(&to->in_since_us, in);
	atomic_store(&to->asked_us, !e->raw || mono_is_never(e->wire.asked)
					    ? 0
					    : e->wire.asked.us);
	atomic_store(&to->whole_packets, cipher_hook_packets());
	atomic_store(&to->turn_us, now.us);
}

/* --- waiting -------------------------------------------------------------- */

/* The far end itself: by what its channel lacks, until it has ended. */
static short relay_wants(const struct endpoint_channel *c, struct mono now)
{
	short events = 0;

	if (!c)
		return 0;
	if (endpoint_lane_wants(&c->in) && mono_is_never(c->end_due))
		events |= POLLIN;
	if (endpoint_lane_has(&c->out) &&
	    (mono_is_never(c->end_due) || mono_before(c->end_due, now)))
		events |= POLLOUT;
	return events;
}

static struct pollfd server_wants(const struct endpoint *e, struct mono now)
{
	struct pollfd p = { .fd = e->wire.fd };

	if (!e->raw)
		p.events = relay_wants(e->channels, now);
	else if (buf_len(&e->wire.in) < SSH_WIRE_IN_MAX)
		p.events = POLLIN;
	if (e->raw && ssh_wire_pending(&e->wire))
		p.events |= POLLOUT;
	if (!p.events)
		p.fd = -1;
	return p;
}

static struct mono next_turn(const struct endpoint *e, struct mono now)
{
	struct mono until = mono_min(endpoint_order_due(e),
				     mono_add_ms(now, CONTROL_TURN_MS));

	for (struct endpoint_channel *c = e->channels; c; c = c->next) {
		if (mono_before(now, c->end_due))
			until = mono_min(until, c->end_due);
	}
	return until;
}

static void await(struct endpoint *e, struct mono now, bool moved)
{
	struct pollfd p[POLLS];
	nfds_t n = AT_CHANNELS;

	p[AT_CONTROL] = (struct pollfd){ .fd = CONTROL_FD, .events = POLLIN };
	p[AT_SERVER] = server_wants(e, now);
	for (struct endpoint_channel *c = e->channels; c; c = c->next) {
		c->poll_at = (int)n;
		n += (nfds_t)endpoint_channel_poll(c, p + n);
	}
	if (poll(p, n, moved ? 0 : mono_poll_ms(now, next_turn(e, now))) < 0) {
		if (errno != EINTR)
			endpoint_die(e, CONTROL_FAULT_INTERNAL,
				     strerror(errno));
		return;
	}
	if (p[AT_SERVER].revents & ~POLLOUT)
		e->wire.readable = true;
	if (e->raw && p[AT_SERVER].revents)
		ssh_wire_flush(&e->wire);
	for (struct endpoint_channel *c = e->channels; c; c = c->next)
		endpoint_channel_polled(c, p + c->poll_at);
	while (p[AT_CONTROL].revents && endpoint_hear(e))
		obey(e);
}

void endpoint_work(struct endpoint *e)
{
	int turns = 0;

	e->wire.gated = true;
	e->wire.readable = true;
	e->beat_due = mono_in_ms(SSH_BEAT_MS);
	for (;;) {
		struct mono now = mono_now();
		bool moved;

		endpoint_order_beat(e, now);
		moved = step(e, now);
		publish(e, now);
		if (moved && ++turns < TURNS_A_POLL)
			continue;
		turns = 0;
		await(e, now, moved);
	}
}
