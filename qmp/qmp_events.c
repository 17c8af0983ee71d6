/* SPDX-License-Identifier: MIT */
/*
 * qmp_events: a session's events, queued for each listener.
 */
#include <stdlib.h>

#include "qmp/qmp_private.h"
#include "transport/base/xalloc.h"

/* What unread events take; their text may be a hundredth of it. */
enum { MAX_QUEUED_BYTES = 64 * 1024 * 1024 };

struct queued {
	struct qmp_event *event;
	size_t bytes;
	struct queued *next;
};

struct qmp_listener {
	struct qmp *session;
	struct waitq *wake;
	struct queued *first, *last;
	size_t n;
	size_t bytes;
	struct qmp_listener *next;
};

void qmp_event_free(struct qmp_event *e)
{
	if (!e)
		return;
	free(e->name);
	json_object_put(e->data);
	free(e);
}

static void wake(struct qmp_listener *l)
{
	if (l->wake)
		waitq_wake_all(l->wake);
}

void qmp_events_wake(struct qmp *q)
{
	for (struct qmp_listener *l = q->listeners; l; l = l->next)
		wake(l);
}

static int enqueue(struct qmp_listener *l, const struct qmp_event *e,
		   size_t bytes, struct err *err)
{
	struct queued *item;

	if (l->n >= QMP_MAX_EVENTS || l->bytes + bytes > MAX_QUEUED_BYTES)
		return err_set(err, ERR_PROTOCOL,
			       "%zu events (%zu bytes) that nobody read", l->n,
			       l->bytes);
	item = XNEW(struct queued);
	item->event = XNEW(struct qmp_event);
	*item->event = *e;
	item->event->name = xstrdup(e->name);
	item->event->data = json_object_get(e->data);
	item->bytes = bytes;
	if (l->last)
		l->last->next = item;
	else
		l->first = item;
	l->last = item;
	l->n++;
	l->bytes += bytes;
	wake(l);
	return 0;
}

/* QEMU writes -1 for both where its host has no clock. */
static struct wall read_stamp(struct json_at document)
{
	struct json_at stamp;
	int64_t s, us;

	if (json_get_object(document, "timestamp", &stamp, NULL) < 0 ||
	    json_get_i64(stamp, "seconds", &s, NULL) < 0 ||
	    json_get_i64(stamp, "microseconds", &us, NULL) < 0 ||
	    __builtin_mul_overflow(s, 1000000, &s) ||
	    __builtin_add_overflow(s, us, &s) || s < 0)
		return (struct wall){ 0 };
	return (struct wall){ s };
}

int qmp_events_deliver(struct qmp *q, struct json_object *document,
		       size_t bytes, struct err *err)
{
	struct json_at at = { document, "event" };
	const char *name;
	struct json_at data;
	struct qmp_event e;

	if (json_get_str(at, "event", &name, err) < 0 ||
	    json_opt_object(at, "data", &data, err) < 0)
		return -1;
	e = (struct qmp_event){
		.name = (char *)name,
		.data = data.value,
		.received = q->frame_start,
		.stamp = read_stamp(at),
	};
	for (struct qmp_listener *l = q->listeners; l; l = l->next) {
		if (enqueue(l, &e, bytes, err) < 0)
			return -1;
	}
	return 0;
}

struct qmp_listener *qmp_listen(struct qmp *q, struct waitq *wake_too)
{
	struct qmp_listener *l = XNEW(struct qmp_listener);

	l->session = q;
	l->wake = wake_too;
	l->next = q->listeners;
	q->listeners = l;
	return l;
}

struct qmp_event *qmp_listener_take(struct qmp_listener *l)
{
	struct queued *item = l->first;
	struct qmp_event *e;

	if (!item)
		return NULL;
	e = item->event;
	l->first = item->next;
	if (!l->first)
		l->last = NULL;
	l->n--;
	l->bytes -= item->bytes;
	free(item);
	return e;
}

void qmp_listener_free(struct qmp_listener *l)
{
	struct qmp_listener **at;
	struct qmp_event *e;

	if (!l)
		return;
	at = &l->session->listeners;
	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	while ((e = qmp_listener_take(l)))
		qmp_event_free(e);
	free(l);
}
