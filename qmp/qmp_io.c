/* SPDX-License-Identifier: MIT */
/*
 * qmp_io: the two tasks of a session. One reads documents and hands them on,
 * one writes texts in the order in which they were queued.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "qmp/excerpt.h"
#include "qmp/qmp_private.h"
#include "transport/base/log.h"
#include "transport/base/xalloc.h"

void qmp_io_fail(struct qmp *q, struct err *err)
{
	if (q->failure.kind != ERR_NONE) {
		err_reset(err);
		return;
	}
	if (err->kind != ERR_CANCELLED)
		log_info(q->side, "monitor lost: %s", err->message);
	err_move(&q->failure, err);
	for (struct qmp_waiter *w = q->waiters; w; w = w->next)
		waitq_wake_all(&w->done);
	waitq_wake_all(&q->idle);
	qmp_events_wake(q);
}

/* --- reading ------------------------------------------------------------- */

int qmp_io_fill(struct qmp *q, struct mono deadline, struct err *err)
{
	size_t pending = buf_len(&q->frame.pending);
	ssize_t n = stream_read(q->stream, q->chunk, sizeof(q->chunk), deadline,
				err);

	if (n < 0)
		return -1;
	if (n == 0 && pending) {
		AUTO_FREE char *bytes =
			excerpt(buf_data(&q->frame.pending), pending);

		return err_set(err, ERR_CLOSED,
			       "QEMU at the %s closed its monitor in the "
			       "middle of a message: %s",
			       q->side, bytes);
	}
	if (n == 0)
		return err_set(err, ERR_CLOSED,
			       "QEMU at the %s closed its monitor", q->side);
	q->read_at = mono_now();
	if (!pending)
		q->frame_start = q->read_at;
	frame_push(&q->frame, q->chunk, (size_t)n);
	return 0;
}

/*
 * An error without an id answers input that QEMU could not read. It cannot be
 * known whose it was, so no command fails by it; one that times out quotes it.
 */
static void note_complaint(struct qmp *q, struct json_at document)
{
	const char *desc = "no description";
	struct json_at error;

	if (json_opt_object(document, "error", &error, NULL) == 0 &&
	    error.value)
		(void)json_opt_str(error, "desc", &desc, NULL);
	free(q->complaint);
	q->complaint = xstrdup(desc);
	log_warn(q->side, "QEMU could not read something: %s", desc);
}

static void take_reply(struct qmp *q, struct json_object *document)
{
	struct json_at at = { document, "reply" };
	struct qmp_waiter *w = q->waiters;
	const char *id = NULL;

	if (!json_has(at, "id")) {
		note_complaint(q, at);
		return;
	}
	if (json_get_str(at, "id", &id, NULL) < 0)
		id = "";
	if (*id && strcmp(id, q->in_flight) == 0) {
		q->in_flight[0] = '\0';
		waitq_wake_all(&q->idle);
	}
	while (w && strcmp(w->id, id) != 0)
		w = w->next;
	if (!w || w->answered) {
		log_debug(q->side, "dropped a reply that nobody awaits");
		return;
	}
	w->document = json_object_get(document);
	w->answered = true;
	waitq_wake_all(&w->done);
}

static int take_document(struct qmp *q, const char *text, size_t len,
			 struct err *err)
{
	size_t memory = 0;
	AUTO_JSON struct json_object *document =
		json_parse_sized(text, len, &memory, err);
	AUTO_FREE char *bytes = NULL;

	if (!document)
		return -1;
	if (json_object_object_get_ex(document, "event", NULL))
		return qmp_events_deliver(q, document, memory, err);
	if (json_object_object_get_ex(document, "return", NULL) ||
	    json_object_object_get_ex(document, "error", NULL)) {
		take_reply(q, document);
		return 0;
	}
	bytes = excerpt(text, len);
	return err_set(err, ERR_PROTOCOL, "neither reply nor event: %s", bytes);
}

static int take_documents(struct qmp *q, struct err *err)
{
	const char *text;
	size_t len;
	int got;

	while ((got = frame_next(&q->frame, &text, &len, err)) > 0) {
		if (take_document(q, text, len, err) < 0)
			return -1;
		/* what is left came with the bytes read last */
		q->frame_start = q->read_at;
	}
	return got;
}

static void explain_read_failure(const struct qmp *q, struct err *err)
{
	if (err->kind == ERR_PROTOCOL)
		err_wrap(err, ERR_PROTOCOL,
			 "the monitor of QEMU at the %s talks nonsense",
			 q->side);
	else if (err->kind != ERR_CANCELLED &&
		 !(err->kind == ERR_CLOSED && !err->cause))
		err_wrap(err, ERR_NONE, "lost the monitor of QEMU at the %s",
			 q->side);
}

static void read_task(void *arg)
{
	struct qmp *q = arg;
	AUTO_ERR struct err err = { 0 };

	/* a peer that never pauses would never let us wait, and learn there */
	while (q->failure.kind == ERR_NONE && !task_cancel_asked()) {
		if (take_documents(q, &err) < 0 ||
		    qmp_io_fill(q, MONO_NEVER, &err) < 0) {
			explain_read_failure(q, &err);
			qmp_io_fail(q, &err);
		}
	}
}

/* --- writing ------------------------------------------------------------- */

static void text_free(struct qmp_text *t)
{
	close_fd(t->fd);
	free(t->text);
	free(t);
}

static int write_text(struct qmp *q, const struct qmp_text *t, struct err *err)
{
	size_t len = strlen(t->text);

	/* each caller has a deadline of its own; the session has none */
	if (t->fd >= 0)
		return stream_write_fd(q->stream, t->text, len, t->fd,
				       MONO_NEVER, err);
	return stream_write(q->stream, t->text, len, MONO_NEVER, err);
}

/*
 * A task of its own writes, so that a caller who gives up or is cancelled
 * never leaves half a command on the wire.
 */
static void write_task(void *arg)
{
	struct qmp *q = arg;
	AUTO_ERR struct err err = { 0 };

	while (q->failure.kind == ERR_NONE) {
		struct qmp_text *t = q->texts;
		int failed;

		if (!t) {
			if (task_wait_queue(&q->texts_wake, MONO_NEVER, &err) <
			    0)
				return;
			continue;
		}
		q->texts = t->next;
		failed = write_text(q, t, &err);
		text_free(t);
		if (failed) {
			explain_read_failure(q, &err);
			qmp_io_fail(q, &err);
		}
	}
}

int qmp_io_queue(struct qmp *q, char *text, int fd, struct err *err)
{
	struct qmp_text *t = XNEW(struct qmp_text);
	struct qmp_text **end = &q->texts;

	*t = (struct qmp_text){ .text = text, .fd = -1 };
	if (fd >= 0) {
		t->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (t->fd < 0) {
			err_sys(err, errno, "cannot duplicate descriptor %d",
				fd);
			text_free(t);
			return -1;
		}
	}
	while (*end)
		end = &(*end)->next;
	*end = t;
	waitq_wake_all(&q->texts_wake);
	return 0;
}

/* --- the tasks ----------------------------------------------------------- */

void qmp_io_start(struct qmp *q)
{
	q->reader = task_start(task_loop(), "qmp reader", read_task, q);
	q->writer = task_start(task_loop(), "qmp writer", write_task, q);
}

static void end_task(struct task *t)
{
	if (!t)
		return;
	task_cancel(t);
	task_join(t);
}

void qmp_io_stop(struct qmp *q)
{
	end_task(q->reader);
	end_task(q->writer);
	while (q->texts) {
		struct qmp_text *t = q->texts;

		q->texts = t->next;
		text_free(t);
	}
}
