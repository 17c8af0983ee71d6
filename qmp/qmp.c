/* SPDX-License-Identifier: MIT */
/*
 * qmp: opens and closes a session with a QEMU monitor. The theory of operation
 * is in qmp.h; a picture of the inside in qmp_private.h.
 */
#include "qmp/qmp.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/random.h>

#include "qmp/qmp_private.h"
#include "transport/base/log.h"
#include "transport/base/xalloc.h"

static int negotiate(struct qmp *q, struct mono deadline, struct err *err)
{
	struct json_object *args = NULL;

	if (q->oob) {
		struct json_object *list = json_object_new_array();

		json_object_array_add(list, json_object_new_string("oob"));
		args = json_add_sub(json_new(), "enable", list);
	}
	return qmp_call(q, "qmp_capabilities", args, NULL, deadline, err);
}

struct qmp *qmp_open(struct stream *stream, const char *side,
		     struct mono deadline, struct err *err)
{
	struct qmp *q = XNEW(struct qmp);

	q->stream = stream;
	q->side = xstrdup(side);
	if (getrandom(&q->token, sizeof(q->token), 0) != sizeof(q->token))
		abort();
	if (qmp_greeting_read(q, deadline, err) < 0)
		goto close;
	qmp_io_start(q);
	if (negotiate(q, deadline, err) < 0)
		goto close;
	log_info(q->side, "QEMU %d.%d.%d %s%s", q->version.major,
		 q->version.minor, q->version.micro, q->version.package,
		 q->oob ? ", out-of-band" : "");
	return q;
close:
	qmp_close(q);
	return NULL;
}

struct qmp *qmp_share(struct qmp *q)
{
	q->others++;
	return q;
}

void qmp_close(struct qmp *q)
{
	if (!q)
		return;
	if (q->others) {
		q->others--;
		return;
	}
	assert(!q->waiters && !q->listeners);
	qmp_io_stop(q);
	stream_close(q->stream);
	frame_free(&q->frame);
	err_reset(&q->failure);
	free(q->complaint);
	free(q->side);
	free(q);
}
