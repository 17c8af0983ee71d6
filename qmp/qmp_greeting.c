/* SPDX-License-Identifier: MIT */
/*
 * qmp_greeting: waits for a monitor's greeting and reads it, and says who
 * holds the monitor when none comes.
 */
#include <stdio.h>
#include <string.h>

#include "qmp/excerpt.h"
#include "qmp/holder.h"
#include "qmp/qmp_private.h"
#include "transport/base/log.h"
#include "transport/base/xalloc.h"

static int read_version(struct qmp *q, struct json_at version, struct err *err)
{
	uint64_t major, minor, micro;
	const char *package = "";
	struct json_at numbers;

	if (json_get_object(version, "qemu", &numbers, err) < 0 ||
	    json_get_u64(numbers, "major", &major, err) < 0 ||
	    json_get_u64(numbers, "minor", &minor, err) < 0 ||
	    json_get_u64(numbers, "micro", &micro, err) < 0 ||
	    json_opt_str(version, "package", &package, err) < 0)
		return -1;
	if (major > 1000 || minor > 1000 || micro > 1000)
		return err_set(err, ERR_PROTOCOL,
			       "greeting: impossible version");
	q->version.major = (int)major;
	q->version.minor = (int)minor;
	q->version.micro = (int)micro;
	snprintf(q->version.package, sizeof(q->version.package), "%s", package);
	return 0;
}

static int read_greeting(struct qmp *q, struct json_object *document,
			 struct err *err)
{
	struct json_at greeting, version, offers;

	if (json_get_object((struct json_at){ document, "greeting" }, "QMP",
			    &greeting, err) < 0 ||
	    json_get_object(greeting, "version", &version, err) < 0 ||
	    json_get_array(greeting, "capabilities", &offers, err) < 0 ||
	    read_version(q, version, err) < 0)
		return -1;
	for (size_t i = 0; i < json_length(offers); i++) {
		struct json_object *word =
			json_object_array_get_idx(offers.value, i);

		if (json_object_is_type(word, json_type_string) &&
		    strcmp(json_object_get_string(word), "oob") == 0)
			q->oob = true;
	}
	return 0;
}

/*
 * 1: the greeting was read; 0: a stray reply to an earlier client, which comes
 * before it.
 */
static int take_document(struct qmp *q, const char *text, size_t len,
			 struct err *err)
{
	AUTO_JSON struct json_object *document = json_parse(text, len, err);
	AUTO_FREE char *bytes = NULL;

	if (!document)
		return -1;
	if (json_object_object_get_ex(document, "QMP", NULL))
		return read_greeting(q, document, err) < 0 ? -1 : 1;
	if (json_object_object_get_ex(document, "return", NULL) ||
	    json_object_object_get_ex(document, "error", NULL) ||
	    json_object_object_get_ex(document, "event", NULL))
		return 0;
	bytes = excerpt(text, len);
	return err_set(err, ERR_PROTOCOL, "no greeting: %s", bytes);
}

/* 1 once the greeting was among what came so far. */
static int take_documents(struct qmp *q, struct err *err)
{
	const char *text;
	size_t len;
	int got;

	while ((got = frame_next(&q->frame, &text, &len, err)) > 0) {
		int taken = take_document(q, text, len, err);

		if (taken != 0)
			return taken;
	}
	return got;
}

static int busy(const struct qmp *q, double waited_ms, struct err *err)
{
	const struct stream_ops *ops = q->stream->ops;
	int fd = ops->socket_fd ? ops->socket_fd(q->stream) : -1;
	AUTO_FREE char *who = holder_of_unix_peer(fd);

	if (who)
		err_set(err, ERR_BUSY,
			"the monitor of QEMU at the %s is in use by %s",
			q->side, who);
	else
		err_set(err, ERR_BUSY,
			"the monitor of QEMU at the %s is in use by another "
			"client, or QEMU hangs: no greeting within %.0f ms",
			q->side, waited_ms);
	return err_hint(err, "end that client, or start QEMU with a second "
			     "monitor");
}

/* Puts what went wrong until @deadline into the words of qmp_open(). */
static int explain(struct qmp *q, struct mono start, struct err *err,
		   struct err *cause)
{
	size_t pending = buf_len(&q->frame.pending);

	if (cause->kind == ERR_TIMEOUT && !pending)
		return busy(q, mono_diff_ms(mono_now(), start), err);
	if (cause->kind == ERR_TIMEOUT) {
		AUTO_FREE char *bytes =
			excerpt(buf_data(&q->frame.pending), pending);

		err_set(cause, ERR_PROTOCOL, "unfinished: %s", bytes);
	}
	if (cause->kind == ERR_PROTOCOL) {
		err_wrap(cause, ERR_PROTOCOL,
			 "what answers at the %s is not a QMP monitor",
			 q->side);
		err_hint(cause, "name the socket of a -qmp or -mon "
				"mode=control option");
	}
	err_move(err, cause);
	return -1;
}

int qmp_greeting_read(struct qmp *q, struct mono deadline, struct err *err)
{
	struct mono start = mono_now();
	struct mono until =
		mono_min(deadline, mono_add_ms(start, QMP_GREETING_MS));
	AUTO_ERR struct err e = { 0 };
	int got;

	while ((got = take_documents(q, &e)) == 0) {
		/* a peer that never pauses would never let a read time out */
		if (!mono_before(mono_now(), until)) {
			err_set(&e, ERR_TIMEOUT, "timed out");
			break;
		}
		if (qmp_io_fill(q, until, &e) < 0)
			break;
	}
	q->frame_start = q->read_at;
	return got == 1 ? 0 : explain(q, start, err, &e);
}
