/* SPDX-License-Identifier: MIT */
/*
 * ssh_session: one connection through libssh2, shared by many tasks. The
 * theory of operation is in ssh_session.h.
 */
#include "transport/ssh_session.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "transport/base/task.h"
#include "transport/base/xalloc.h"

/* Asked for so long without an answer, a timeout is the network's fault. */
enum { SESSION_LATE_MS = 2 * SSH_BEAT_MS };

enum order_kind {
	ORDER_BEAT, /* a sign of life */
	ORDER_OPEN,
	ORDER_EXEC,
};

/*
 * A round trip through libssh2, one at a time in a session: while it waits for
 * the answer to one request it takes the answer to another one for an error,
 * and it has one state for all channels that are being opened. A request that
 * the host does not answer thus holds up those behind it, signs of life too:
 * after SSH_SILENCE_MS the session is dead, whatever other channels receive.
 */
struct order {
	enum order_kind kind;
	struct mono begun; /* when it was first worked on; 0: not yet */
	const char *type;  /* of the channel to open */
	char *message;	   /* behind its usual fields; or the command */
	size_t message_len;
	LIBSSH2_CHANNEL *channel; /* opened, or to start the command in */
	struct err err;
	bool done;
	bool abandoned; /* nobody waits: the keeper frees it */
	struct order *next;
};

struct closing {
	LIBSSH2_CHANNEL *channel;
	struct closing *next;
};

struct ssh_session {
	unsigned int holders;
	char *host;
	LIBSSH2_SESSION *raw; /* NULL: closed or detached */
	struct ssh_wire wire;
	struct err death;
	bool stopping;
	bool pump_full;	       /* it has read ahead all it may */
	struct waitq activity; /* bytes came or left, an order ended, death */
	struct waitq pump_kick;
	struct waitq keeper_kick;
	uint64_t seen_bytes; /* received_bytes that everybody knows of */
	struct task *pump, *keeper;
	struct order *orders; /* the first one is being worked on */
	struct closing *closing;
	bool beating;
	struct mono beat_due;
};

/* --- death --------------------------------------------------------------- */

static void session_wake(struct ssh_session *s)
{
	waitq_wake_all(&s->activity);
	waitq_wake_all(&s->keeper_kick);
}

static void session_die(struct ssh_session *s, struct err *why)
{
	if (s->death.kind == ERR_NONE) {
		err_wrap(why, why->kind, "the connection to %s is lost",
			 s->host);
		err_move(&s->death, why);
	}
	ssh_wire_cut(&s->wire);
	session_wake(s);
	waitq_wake_all(&s->pump_kick);
}

int ssh_session_check(const struct ssh_session *s, struct err *err)
{
	AUTO_FREE char *text = NULL;

	if (s->death.kind == ERR_NONE)
		return 0;
	text = err_text(&s->death);
	err_set(err, s->death.kind, "%s", text);
	return err_at_host(err, s->host);
}

char *ssh_session_words(LIBSSH2_SESSION *raw, long rc)
{
	char *text = NULL;
	int len = 0;

	if (raw && libssh2_session_last_error(raw, &text, &len, 0) == rc && len)
		return xasprintf("%s (%ld)", text, rc);
	return xasprintf("libssh2 error %ld", rc);
}

/* Refusals that concern one request and leave the connection intact. */
static bool session_survives(long rc)
{
	switch (rc) {
	case LIBSSH2_ERROR_CHANNEL_FAILURE:
	case LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED:
	case LIBSSH2_ERROR_CHANNEL_CLOSED:
	case LIBSSH2_ERROR_CHANNEL_EOF_SENT:
	case LIBSSH2_ERROR_INVAL:
		return true;
	default:
		return false;
	}
}

int ssh_session_failed(struct ssh_session *s, long rc, struct err *err)
{
	AUTO_FREE char *words = ssh_session_words(s->raw, rc);
	AUTO_ERR struct err why = { 0 };

	if (s->death.kind == ERR_NONE && session_survives(rc))
		return err_set(err, ERR_REMOTE, "%s", words);
	if (ssh_wire_dead(&s->wire))
		ssh_wire_why(&s->wire, &why);
	else
		err_set(&why, ERR_NETWORK, "%s", words);
	session_die(s, &why);
	return ssh_session_check(s, err);
}

/* --- around each call into libssh2 --------------------------------------- */

long ssh_session_did(struct ssh_session *s, long rc)
{
	ssh_wire_flush(&s->wire);
	if (ssh_wire_pending(&s->wire) || ssh_wire_dead(&s->wire) ||
	    s->pump_full)
		waitq_wake_all(&s->pump_kick);
	if (s->seen_bytes != s->wire.received_bytes) {
		s->seen_bytes = s->wire.received_bytes;
		session_wake(s);
	}
	return rc;
}

bool ssh_session_congested(const struct ssh_session *s)
{
	return ssh_wire_pending(&s->wire) > SSH_WIRE_OUT_MAX;
}

int ssh_session_wait(struct ssh_session *s, struct mono deadline,
		     struct err *err)
{
	AUTO_ERR struct err e = { 0 };

	if (ssh_session_check(s, err) < 0)
		return -1;
	if (task_wait_queue(&s->activity, deadline, &e) == 0)
		return ssh_session_check(s, err);
	if (e.kind == ERR_TIMEOUT &&
	    ssh_wire_check_silence(&s->wire, mono_now(), SESSION_LATE_MS, &e) <
		    0)
		err_wrap(&e, ERR_NETWORK, "%s does not answer", s->host);
	else if (e.kind == ERR_TIMEOUT)
		err_set(&e, ERR_TIMEOUT, "%s did not answer in time", s->host);
	err_move(err, &e);
	return err_at_host(err, s->host);
}

/* --- the pump ------------------------------------------------------------ */

/*
 * The socket failed or ended. Everybody may first take what came before, and
 * learns of the end from libssh2; who does not call it learns it here.
 */
static void pump_ended(struct ssh_session *s)
{
	AUTO_ERR struct err why = { 0 };

	session_wake(s);
	task_yield();
	task_yield();
	if (s->stopping || s->death.kind != ERR_NONE)
		return;
	ssh_wire_why(&s->wire, &why);
	session_die(s, &why);
}

static void pump_wait(struct ssh_session *s)
{
	struct task_wait w = {
		.fd = s->wire.fd,
		.queue = &s->pump_kick,
		.deadline = MONO_NEVER,
	};

	s->pump_full = buf_len(&s->wire.in) >= SSH_WIRE_IN_MAX;
	if (!s->pump_full)
		w.events |= EPOLLIN;
	if (ssh_wire_pending(&s->wire))
		w.events |= EPOLLOUT;
	if (!w.events)
		w.fd = -1;
	(void)task_wait(&w, NULL);
}

static void pump_main(void *arg)
{
	struct ssh_session *s = arg;

	while (!s->stopping && s->death.kind == ERR_NONE) {
		size_t pending = ssh_wire_pending(&s->wire);

		ssh_wire_fill(&s->wire);
		ssh_wire_flush(&s->wire);
		if (s->seen_bytes != s->wire.received_bytes ||
		    pending != ssh_wire_pending(&s->wire)) {
			s->seen_bytes = s->wire.received_bytes;
			session_wake(s);
		}
		if (ssh_wire_dead(&s->wire)) {
			pump_ended(s);
			return;
		}
		pump_wait(s);
	}
}

/* --- the keeper: orders -------------------------------------------------- */

static void order_free(struct order *o)
{
	err_reset(&o->err);
	free(o->message);
	free(o);
}

static void order_end(struct ssh_session *s, struct order *o)
{
	s->orders = o->next;
	o->done = true;
	if (o->abandoned) {
		ssh_session_release(s, STEAL(o->channel));
		order_free(o);
	}
	waitq_wake_all(&s->activity);
}

static LIBSSH2_CHANNEL *open_raw(LIBSSH2_SESSION *raw, const char *type,
				 const char *message, size_t message_len,
				 long *rc)
{
	LIBSSH2_CHANNEL *channel;

	channel = libssh2_channel_open_ex(raw, type, (unsigned int)strlen(type),
					  LIBSSH2_CHANNEL_WINDOW_DEFAULT,
					  LIBSSH2_CHANNEL_PACKET_DEFAULT,
					  message, (unsigned int)message_len);
	*rc = channel ? 0 : libssh2_session_last_errno(raw);
	return channel;
}

long ssh_session_beat(LIBSSH2_SESSION *raw)
{
	long rc;
	LIBSSH2_CHANNEL *channel =
		open_raw(raw, "sign-of-life@vmferry", NULL, 0, &rc);

	if (channel)
		return LIBSSH2_ERROR_PROTO;
	return rc == LIBSSH2_ERROR_CHANNEL_FAILURE ? 0 : rc;
}

static long order_step(struct ssh_session *s, struct order *o)
{
	long rc;

	switch (o->kind) {
	case ORDER_BEAT:
		return ssh_session_beat(s->raw);
	case ORDER_EXEC:
		return libssh2_channel_process_startup(
			o->channel, "exec", strlen("exec"), o->message,
			(unsigned int)o->message_len);
	case ORDER_OPEN:
		break;
	}
	o->channel = open_raw(s->raw, o->type, o->message, o->message_len, &rc);
	return rc;
}

/* Works on the first order; false when nothing can be done now. */
static bool keeper_order(struct ssh_session *s)
{
	struct order *o = s->orders;
	long rc;

	if (!o)
		return false;
	if (!o->begun.us)
		o->begun = mono_now();
	rc = ssh_session_did(s, order_step(s, o));
	if (rc == LIBSSH2_ERROR_EAGAIN)
		return false;
	if (o->kind == ORDER_BEAT)
		s->beating = false;
	if (rc)
		ssh_session_failed(s, rc, &o->err);
	order_end(s, o);
	return true;
}

static struct order *order_new(struct ssh_session *s, enum order_kind kind,
			       const void *message, size_t message_len)
{
	struct order *o = XNEW(struct order);
	struct order **last = &s->orders;

	o->kind = kind;
	if (message_len) {
		o->message = xmalloc(message_len);
		memcpy(o->message, message, message_len);
	}
	o->message_len = message_len;
	while (*last)
		last = &(*last)->next;
	*last = o;
	waitq_wake_all(&s->keeper_kick);
	return o;
}

/* Waits for its end and consumes it. */
static int order_await(struct ssh_session *s, struct order *o,
		       LIBSSH2_CHANNEL **channel, struct mono deadline,
		       struct err *err)
{
	int rc = 0;

	while (!o->done) {
		if (ssh_session_wait(s, deadline, err) < 0 && !o->done) {
			o->abandoned = true;
			return -1;
		}
	}
	if (o->err.kind != ERR_NONE) {
		err_move(err, &o->err);
		rc = -1;
	}
	*channel = o->channel;
	order_free(o);
	return rc;
}

LIBSSH2_CHANNEL *ssh_session_open(struct ssh_session *s, const char *type,
				  const void *message, size_t message_len,
				  struct mono deadline, struct err *err)
{
	LIBSSH2_CHANNEL *channel = NULL;
	struct order *o;

	if (ssh_session_check(s, err) < 0)
		return NULL;
	o = order_new(s, ORDER_OPEN, message, message_len);
	o->type = type;
	return order_await(s, o, &channel, deadline, err) < 0 ? NULL : channel;
}

LIBSSH2_CHANNEL *ssh_session_exec(struct ssh_session *s,
				  LIBSSH2_CHANNEL *channel, const char *command,
				  struct mono deadline, struct err *err)
{
	struct order *o;

	if (ssh_session_check(s, err) < 0) {
		ssh_session_release(s, channel);
		return NULL;
	}
	o = order_new(s, ORDER_EXEC, command, strlen(command));
	o->channel = channel;
	/* one that is given up is released by the keeper */
	channel = NULL;
	if (order_await(s, o, &channel, deadline, err) == 0)
		return channel;
	ssh_session_release(s, channel);
	return NULL;
}

/* --- the keeper: closing, signs of life ---------------------------------- */

void ssh_session_release(struct ssh_session *s, LIBSSH2_CHANNEL *channel)
{
	struct closing *c;

	if (!channel || !s->raw)
		return;
	c = XNEW(struct closing);
	c->channel = channel;
	c->next = s->closing;
	s->closing = c;
	waitq_wake_all(&s->keeper_kick);
}

static void keeper_close(struct ssh_session *s)
{
	struct closing **at = &s->closing;

	while (*at) {
		struct closing *c = *at;

		if (ssh_session_did(s, libssh2_channel_free(c->channel)) ==
		    LIBSSH2_ERROR_EAGAIN) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		free(c);
	}
}

static void beat_start(struct ssh_session *s, struct mono now)
{
	s->beating = true;
	s->beat_due = mono_add_ms(now, SSH_BEAT_MS);
	order_new(s, ORDER_BEAT, NULL, 0)->abandoned = true;
	ssh_wire_asked(&s->wire, now);
}

/* As ssh_wire_check_silence(), of the request that is being worked on. */
static int check_order(const struct ssh_session *s, struct mono now,
		       struct err *err)
{
	if (!s->orders || !s->orders->begun.us ||
	    mono_diff_ms(now, s->orders->begun) < SSH_SILENCE_MS)
		return 0;
	return err_set(err, ERR_NETWORK, "no answer to a request for %d s",
		       SSH_SILENCE_MS / 1000);
}

static void keeper_beat(struct ssh_session *s)
{
	AUTO_ERR struct err why = { 0 };
	struct mono now = mono_now();

	if (ssh_wire_check_silence(&s->wire, now, SSH_SILENCE_MS, &why) < 0 ||
	    check_order(s, now, &why) < 0)
		session_die(s, &why);
	else if (!mono_before(now, s->beat_due) && !s->beating)
		beat_start(s, now);
	else if (!mono_before(now, s->beat_due))
		s->beat_due = mono_add_ms(now, SSH_BEAT_MS);
}

static void orders_fail(struct ssh_session *s)
{
	while (s->orders) {
		struct err *err = &s->orders->err;

		if (ssh_session_check(s, err) == 0)
			err_set(err, ERR_CLOSED,
				"the connection to %s is closed", s->host);
		order_end(s, s->orders);
	}
}

static void keeper_main(void *arg)
{
	struct ssh_session *s = arg;

	while (!s->stopping && s->death.kind == ERR_NONE) {
		keeper_beat(s);
		while (!s->stopping && s->death.kind == ERR_NONE &&
		       keeper_order(s))
			;
		if (s->stopping || s->death.kind != ERR_NONE)
			break;
		keeper_close(s);
		(void)task_wait_queue(&s->keeper_kick, s->beat_due, NULL);
	}
	orders_fail(s);
}

int ssh_session_alive(struct ssh_session *s, int silence_ms, struct err *err)
{
	if (ssh_session_check(s, err) < 0)
		return -1;
	if (ssh_wire_check_silence(&s->wire, mono_now(), silence_ms, err) == 0)
		return 0;
	err_wrap(err, ERR_NETWORK, "%s does not answer", s->host);
	return err_at_host(err, s->host);
}

int ssh_session_ping(struct ssh_session *s, struct mono deadline,
		     struct err *err)
{
	LIBSSH2_CHANNEL *none;

	if (ssh_session_check(s, err) < 0)
		return -1;
	ssh_wire_asked(&s->wire, mono_now());
	return order_await(s, order_new(s, ORDER_BEAT, NULL, 0), &none,
			   deadline, err);
}

/* --- from the first byte to the last ------------------------------------- */

struct ssh_session *ssh_session_new(const char *host, int fd, struct err *err)
{
	struct ssh_session *s = XNEW(struct ssh_session);

	s->raw = libssh2_session_init_ex(NULL, NULL, NULL, NULL);
	if (!s->raw) {
		close_fd(fd);
		free(s);
		err_set(err, ERR_INTERNAL, "libssh2 cannot make a session");
		return NULL;
	}
	s->holders = 1;
	s->host = xstrdup(host);
	ssh_wire_init(&s->wire, fd);
	ssh_wire_attach(&s->wire, s->raw);
	libssh2_session_set_blocking(s->raw, 0);
	s->pump = task_start(task_loop(), "ssh pump", pump_main, s);
	return s;
}

LIBSSH2_SESSION *ssh_session_raw(struct ssh_session *s)
{
	return s->raw;
}

const char *ssh_session_host(const struct ssh_session *s)
{
	return s->host;
}

struct ssh_wire *ssh_session_wire(struct ssh_session *s)
{
	return &s->wire;
}

int ssh_session_handshake(struct ssh_session *s, struct mono deadline,
			  struct err *err)
{
	long rc;

	while ((rc = ssh_session_did(
			s, libssh2_session_handshake(s->raw, s->wire.fd))) ==
	       LIBSSH2_ERROR_EAGAIN) {
		if (ssh_session_wait(s, deadline, err) < 0)
			return -1;
	}
	if (rc == 0)
		return 0;
	return ssh_session_failed(s, rc, err);
}

void ssh_session_logged_in(struct ssh_session *s)
{
	s->beat_due = mono_in_ms(SSH_BEAT_MS);
	s->keeper = task_start(task_loop(), "ssh keeper", keeper_main, s);
}

static void session_stop_tasks(struct ssh_session *s)
{
	s->stopping = true;
	session_wake(s);
	waitq_wake_all(&s->pump_kick);
	task_join(STEAL(s->pump));
	task_join(STEAL(s->keeper));
}

void ssh_session_free_raw(LIBSSH2_SESSION *raw)
{
	/* the wire is cut, so that this ends after a few steps at most */
	while (raw && libssh2_session_free(raw) == LIBSSH2_ERROR_EAGAIN)
		;
}

static void closings_forget(struct ssh_session *s)
{
	while (s->closing) {
		struct closing *c = s->closing;

		s->closing = c->next;
		free(c);
	}
}

void ssh_session_close(struct ssh_session *s)
{
	AUTO_ERR struct err why = { 0 };
	LIBSSH2_SESSION *raw;

	if (!s)
		return;
	session_stop_tasks(s);
	raw = STEAL(s->raw);
	if (raw && !ssh_wire_dead(&s->wire))
		(void)ssh_session_did(s,
				      libssh2_session_disconnect(raw, "done"));
	err_set(&why, ERR_CLOSED, "it was closed");
	session_die(s, &why);
	ssh_session_free_raw(raw);
	closings_forget(s);
	ssh_wire_fini(&s->wire);
	ssh_session_drop(s);
}

struct ssh_session *ssh_session_hold(struct ssh_session *s)
{
	s->holders++;
	return s;
}

void ssh_session_drop(struct ssh_session *s)
{
	if (--s->holders)
		return;
	err_reset(&s->death);
	free(s->host);
	free(s);
}

LIBSSH2_SESSION *ssh_session_detach(struct ssh_session *s,
				    struct ssh_wire *wire, struct err *err)
{
	LIBSSH2_SESSION *raw;

	if (ssh_session_check(s, err) < 0)
		return NULL;
	session_stop_tasks(s);
	closings_forget(s);
	raw = STEAL(s->raw);
	*wire = s->wire;
	s->wire = (struct ssh_wire){
		.fd = -1,
		.eof = true,
		.asked = MONO_NEVER,
	};
	ssh_wire_attach(wire, raw);
	return raw;
}
