/* SPDX-License-Identifier: MIT */
/* endpoint_order: round trips through libssh2, one at a time. */
#include "transport/endpoint/endpoint_order.h"

#include <stdlib.h>
#include <string.h>

#include "transport/base/xalloc.h"
#include "transport/endpoint/endpoint_channel.h"
#include "transport/endpoint/endpoint_state.h"

struct endpoint_order {
	struct endpoint_channel *channel; /* NULL: a sign of life */
	uint32_t ping;			  /* to be answered, or 0 */
	bool extra;			  /* nobody asked for it */
	struct mono begun;		  /* 0: not yet */
	struct endpoint_order *next;
};

static struct endpoint_order *order_new(struct endpoint_channel *c,
					uint32_t ping)
{
	struct endpoint_order *o = XNEW(struct endpoint_order);

	o->channel = c;
	o->ping = ping;
	return o;
}

static void add(struct endpoint *e, struct endpoint_channel *c, uint32_t ping)
{
	struct endpoint_order **last = &e->orders;

	while (*last)
		last = &(*last)->next;
	*last = order_new(c, ping);
}

/* A round trip before what is worked on now, which then begins anew. */
static void put_round_trip_first(struct endpoint *e)
{
	struct endpoint_order *o = order_new(NULL, 0);

	o->extra = true;
	o->next = e->orders;
	e->orders->begun = (struct mono){ 0 };
	e->orders = o;
}

void endpoint_order_open(struct endpoint *e, struct endpoint_channel *c)
{
	add(e, c, 0);
}

void endpoint_order_ping(struct endpoint *e, uint32_t id)
{
	ssh_wire_asked(&e->wire, mono_now());
	add(e, NULL, id);
}

/* --- opening -------------------------------------------------------------- */

static LIBSSH2_CHANNEL *open_raw(struct endpoint *e, const char *type,
				 const char *message, size_t len, long *rc)
{
	LIBSSH2_CHANNEL *raw = libssh2_channel_open_ex(
		e->raw, type, (unsigned int)strlen(type),
		LIBSSH2_CHANNEL_WINDOW_DEFAULT, LIBSSH2_CHANNEL_PACKET_DEFAULT,
		message, (unsigned int)len);

	*rc = raw ? 0 : libssh2_session_last_errno(e->raw);
	(void)endpoint_did(e, *rc);
	return raw;
}

static long open_channel(struct endpoint *e, struct endpoint_channel *c)
{
	long rc;

	if (!c->raw) {
		if (c->kind == CONTROL_UNIX)
			c->raw = open_raw(e, "direct-streamlocal@openssh.com",
					  c->message, c->message_len, &rc);
		else
			c->raw = open_raw(e, "session", NULL, 0, &rc);
		if (rc)
			return rc;
	}
	if (c->kind == CONTROL_UNIX)
		return 0;
	return endpoint_did(e,
			    libssh2_channel_process_startup(
				    c->raw, "exec", strlen("exec"), c->message,
				    (unsigned int)c->message_len));
}

static long sign_of_life(struct endpoint *e)
{
	long rc;

	if (open_raw(e, "sign-of-life@vmferry", NULL, 0, &rc))
		return LIBSSH2_ERROR_PROTO;
	return rc == LIBSSH2_ERROR_CHANNEL_FAILURE ? 0 : rc;
}

/* --- ends ----------------------------------------------------------------- */

static bool is_refusal(long rc)
{
	return rc == LIBSSH2_ERROR_CHANNEL_FAILURE ||
	       rc == LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED ||
	       rc == LIBSSH2_ERROR_CHANNEL_CLOSED;
}

/* What the parent has given up meanwhile is freed without a word. */
static void channel_ended(struct endpoint *e, struct endpoint_channel *c,
			  long rc)
{
	AUTO_FREE char *words = rc ? endpoint_words(e, rc) : NULL;
	bool wanted = c->state == ENDPOINT_CHANNEL_WAITING;

	free(STEAL(c->message));
	c->state = rc || !wanted ? ENDPOINT_CHANNEL_CLOSING
				 : ENDPOINT_CHANNEL_OPEN;
	if (wanted)
		endpoint_say_of(e, rc ? CONTROL_FAILED : CONTROL_OPENED, c->id,
				0, 0, words);
}

static void order_ended(struct endpoint *e, struct endpoint_order *o, long rc)
{
	e->orders = o->next;
	if (o->channel) {
		channel_ended(e, o->channel, rc);
	} else if (o->ping) {
		atomic_store(&e->counters->asked_us, 0);
		endpoint_say_of(e, CONTROL_PONG, o->ping, 0, 0, NULL);
	} else if (!o->extra) {
		e->beating = false;
	}
	if (!o->channel)
		e->just_closed = false;
	free(o);
}

/*
 * sshd counts a channel that we have just closed until it has looked at all
 * that came with the message: with MaxSessions 1 the next one would be refused.
 */
static bool may_be_early(const struct endpoint *e,
			 const struct endpoint_channel *c)
{
	return e->just_closed && !c->raw && c->kind == CONTROL_EXEC;
}

bool endpoint_order_step(struct endpoint *e, struct mono now)
{
	struct endpoint_order *o = e->orders;
	long rc;

	if (!o)
		return false;
	if (!o->begun.us)
		o->begun = now;
	rc = o->channel ? open_channel(e, o->channel) : sign_of_life(e);
	if (rc == LIBSSH2_ERROR_EAGAIN)
		return false;
	if (rc && (!o->channel || !is_refusal(rc)))
		endpoint_failed(e, rc);
	if (rc && may_be_early(e, o->channel))
		put_round_trip_first(e);
	else
		order_ended(e, o, rc);
	return true;
}

/* --- signs of life -------------------------------------------------------- */

static void check_silence(struct endpoint *e, struct mono now)
{
	struct err err = { 0 };

	if (ssh_wire_check_silence(&e->wire, now, SSH_SILENCE_MS, &err) < 0)
		endpoint_die(e, CONTROL_FAULT_NETWORK, err.message);
	if (e->orders && e->orders->begun.us &&
	    mono_diff_ms(now, e->orders->begun) >= SSH_SILENCE_MS) {
		err_set(&err, ERR_NETWORK, "no answer to a request for %d s",
			SSH_SILENCE_MS / 1000);
		endpoint_die(e, CONTROL_FAULT_NETWORK, err.message);
	}
}

void endpoint_order_beat(struct endpoint *e, struct mono now)
{
	if (!e->raw)
		return;
	check_silence(e, now);
	if (mono_before(now, e->beat_due))
		return;
	e->beat_due = mono_add_ms(now, SSH_BEAT_MS);
	if (e->beating)
		return;
	e->beating = true;
	ssh_wire_asked(&e->wire, now);
	add(e, NULL, 0);
}

struct mono endpoint_order_due(const struct endpoint *e)
{
	return e->raw ? e->beat_due : MONO_NEVER;
}

void endpoint_order_last_words(struct endpoint *e)
{
	/* takes what was read ahead: the server may have said why */
	endpoint_failed(e, sign_of_life(e));
}
