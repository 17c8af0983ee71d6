/* SPDX-License-Identifier: MIT */
/*
 * qmp_call: sends a command and waits for its answer.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "qmp/qmp_private.h"
#include "transport/base/log.h"
#include "transport/base/xalloc.h"

struct request {
	const char *command;
	struct json_object *args; /* owned; NULL: none */
	int fd;
	bool oob;
};

static char *request_text(const struct request *r, const char *id)
{
	AUTO_JSON struct json_object *o = json_new();
	AUTO_FREE char *line = NULL;

	json_add_str(o, r->oob ? "exec-oob" : "execute", r->command);
	if (r->args)
		json_add_sub(o, "arguments", json_object_get(r->args));
	json_add_str(o, "id", id);
	line = json_line(o);
	return xasprintf("%s\n", line);
}

/* A cancelled task learns of it here, before anything is sent. */
static int check_cancel(struct err *err)
{
	AUTO_ERR struct err e = { 0 };
	struct waitq nobody = { 0 };

	if (!task_cancel_asked())
		return 0;
	if (task_wait_queue(&nobody, mono_now(), &e) == 0 ||
	    e.kind != ERR_CANCELLED)
		return 0; /* shielded */
	err_move(err, &e);
	return -1;
}

/*
 * Waits on @w until it is woken. Timeouts are put into words that say what
 * QEMU did not do; a cancel stays as it is.
 */
static int wait_for_qemu(const struct qmp *q, struct waitq *w,
			 struct mono deadline, const char *what,
			 const char *command, struct err *err)
{
	AUTO_ERR struct err e = { 0 };

	if (task_wait_queue(w, deadline, &e) == 0)
		return 0;
	if (e.kind != ERR_TIMEOUT) {
		err_move(err, &e);
		return -1;
	}
	if (q->complaint)
		err_set(err, ERR_TIMEOUT, "%s", q->complaint);
	else
		err_set(err, ERR_TIMEOUT, "timed out");
	return err_wrap(err, ERR_TIMEOUT, "QEMU at the %s %s %s", q->side, what,
			command);
}

static int wait_idle(struct qmp *q, const char *command, struct mono deadline,
		     struct err *err)
{
	while (q->in_flight[0] && q->failure.kind == ERR_NONE) {
		if (wait_for_qemu(q, &q->idle, deadline, "still works on",
				  q->in_flight_command, err) < 0)
			return err_wrap(err, ERR_NONE,
					"cannot run %s at the %s", command,
					q->side);
	}
	return 0;
}

static void waiter_add(struct qmp *q, struct qmp_waiter *w)
{
	snprintf(w->id, sizeof(w->id), "%016" PRIx64 "-%" PRIu64, q->token,
		 q->count++);
	w->next = q->waiters;
	q->waiters = w;
}

static void waiter_remove(struct qmp *q, const struct qmp_waiter *w)
{
	struct qmp_waiter **at = &q->waiters;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
}

static int send_request(struct qmp *q, const struct request *r,
			struct qmp_waiter *w, struct err *err)
{
	if (qmp_io_queue(q, request_text(r, w->id), r->fd, err) < 0)
		return -1;
	log_debug(q->side, "%s%s", r->command, r->oob ? " (oob)" : "");
	if (r->oob)
		return 0;
	snprintf(q->in_flight, sizeof(q->in_flight), "%s", w->id);
	snprintf(q->in_flight_command, sizeof(q->in_flight_command), "%s",
		 r->command);
	free(STEAL(q->complaint));
	return 0;
}

static int wait_answer(struct qmp *q, const struct request *r,
		       struct qmp_waiter *w, struct mono deadline,
		       struct err *err)
{
	while (!w->answered) {
		if (qmp_check(q, err) < 0)
			return err_wrap(err, ERR_NONE,
					"no answer to %s from QEMU at the %s",
					r->command, q->side);
		if (wait_for_qemu(q, &w->done, deadline, "did not answer",
				  r->command, err) < 0)
			return -1;
	}
	return 0;
}

static int read_answer(const struct qmp *q, const struct request *r,
		       struct json_object *document, struct json_object **reply,
		       struct err *err)
{
	struct json_at at = { document, r->command };
	struct json_object *value;
	const char *desc = NULL;
	struct json_at error;

	if (json_object_object_get_ex(document, "return", &value)) {
		if (reply)
			*reply = json_object_get(value);
		return 0;
	}
	if (json_get_object(at, "error", &error, err) < 0 ||
	    json_get_str(error, "desc", &desc, err) < 0)
		return -1;
	err_set(err, ERR_QMP, "%s", desc);
	return err_wrap(err, ERR_QMP, "QEMU at the %s refused %s", q->side,
			r->command);
}

static int exchange(struct qmp *q, const struct request *r,
		    struct qmp_waiter *w, struct mono deadline, struct err *err)
{
	if (qmp_check(q, err) < 0 || send_request(q, r, w, err) < 0)
		return -1;
	return wait_answer(q, r, w, deadline, err);
}

/* Frees r->args. */
static int run(struct qmp *q, const struct request *r,
	       struct json_object **reply, struct mono deadline,
	       struct err *err)
{
	struct qmp_waiter w = { .answered = false };
	int result = -1;

	if (reply)
		*reply = NULL;
	if (check_cancel(err) == 0 &&
	    (r->oob || wait_idle(q, r->command, deadline, err) == 0)) {
		waiter_add(q, &w);
		result = exchange(q, r, &w, deadline, err);
		waiter_remove(q, &w);
	}
	if (result == 0)
		result = read_answer(q, r, w.document, reply, err);
	json_object_put(w.document);
	json_object_put(r->args);
	return result;
}

int qmp_call(struct qmp *q, const char *command, struct json_object *args,
	     struct json_object **reply, struct mono deadline, struct err *err)
{
	struct request r = { .command = command, .args = args, .fd = -1 };

	return run(q, &r, reply, deadline, err);
}

int qmp_call_fd(struct qmp *q, const char *command, struct json_object *args,
		int fd, struct json_object **reply, struct mono deadline,
		struct err *err)
{
	struct request r = { .command = command, .args = args, .fd = fd };

	return run(q, &r, reply, deadline, err);
}

int qmp_call_oob(struct qmp *q, const char *command, struct json_object *args,
		 struct json_object **reply, struct mono deadline,
		 struct err *err)
{
	struct request r = {
		.command = command,
		.args = args,
		.fd = -1,
		.oob = true,
	};

	if (!q->oob) {
		json_object_put(args);
		return err_set(err, ERR_QMP,
			       "QEMU at the %s takes no out-of-band commands",
			       q->side);
	}
	return run(q, &r, reply, deadline, err);
}
