/* SPDX-License-Identifier: MIT */
/*
 * qmp: one session with one QEMU monitor.
 *
 * Theory of operation. A session owns a stream and a reader task, which cuts
 * documents, hands replies to the command that waits for their id and copies
 * events to listeners. Ids are unique over the life of the process and carry a
 * random token, so a stray reply to an earlier client of the same monitor
 * (QEMU sends those) is recognised and dropped. A monitor serves one client at
 * a time: a second one is accepted by the kernel but gets no greeting, which
 * is how "busy" looks. A greeting is also a fence: no command of the earlier
 * client takes effect after it.
 *
 * Commands are sent one at a time (QEMU runs them in order and reads its input
 * slowly); out-of-band ones go at once, past a command that hangs. While QEMU
 * owes an answer, even to a caller that gave up, no other in-band command is
 * sent: eight unanswered ones would stop it from reading, out-of-band commands
 * included. A later call then ends with ERR_TIMEOUT and was never sent.
 *
 * Only for tasks. Everything has a deadline. Once the stream fails, every
 * waiting and later call fails with that same reason.
 */
#ifndef QMP_QMP_H
#define QMP_QMP_H

#include <json.h>
#include <stdbool.h>

#include "transport/base/clock.h"
#include "transport/base/err.h"
#include "transport/base/task.h"
#include "transport/stream.h"

enum {
	QMP_GREETING_MS = 3000,
	QMP_MAX_EVENTS = 10000, /* queued for one listener */
};

struct qmp;

struct qmp_version {
	int major, minor, micro;
	char package[64];
};

/*
 * Reads the greeting and negotiates (with `oob` where it is offered). Owns
 * @stream from here on, also on failure. @side ("source", "destination") is
 * for logs and messages. Errors: ERR_BUSY (no greeting by
 * min(@deadline, QMP_GREETING_MS): the message says which process holds it
 * where that can be known), ERR_PROTOCOL (not QMP), ERR_CLOSED, ERR_TIMEOUT.
 */
struct qmp *qmp_open(struct stream *stream, const char *side,
		     struct mono deadline, struct err *err);
/* One more user of @q, who closes it, too; returns @q. */
struct qmp *qmp_share(struct qmp *q);
/*
 * Closes and frees, once every user has done so; never waits for QEMU. No call
 * of that user may be under way. NULL is fine.
 */
void qmp_close(struct qmp *q);

const struct qmp_version *qmp_version(const struct qmp *q);
bool qmp_has_oob(const struct qmp *q);
const char *qmp_side(const struct qmp *q);
/* 0 while the session works, else -1 and why. */
int qmp_check(const struct qmp *q, struct err *err);

/*
 * Runs @command. @args (may be NULL) is taken over. *reply (may be NULL) is
 * the owned value of "return". QEMU's error is ERR_QMP, its words the cause,
 * verbatim. On ERR_TIMEOUT or ERR_CANCELLED the command may still take effect;
 * its late reply is dropped.
 */
int qmp_call(struct qmp *q, const char *command, struct json_object *args,
	     struct json_object **reply, struct mono deadline, struct err *err);
/* The same, handing @fd to QEMU with it (the caller keeps its copy). */
int qmp_call_fd(struct qmp *q, const char *command, struct json_object *args,
		int fd, struct json_object **reply, struct mono deadline,
		struct err *err);
/* Out of band; only where qmp_has_oob(). */
int qmp_call_oob(struct qmp *q, const char *command, struct json_object *args,
		 struct json_object **reply, struct mono deadline,
		 struct err *err);

/* --- events -------------------------------------------------------------- */

struct qmp_event {
	char *name;
	struct json_object *data; /* NULL when the event has none */
	struct mono received;	  /* as its first byte was read */
	struct wall stamp;	  /* QEMU's own, its host's clock */
};
void qmp_event_free(struct qmp_event *e);

struct qmp_listener;
/*
 * Queues copies of all events from now on. @wake (borrowed, may be NULL) is
 * woken at each event and when the session fails. More than QMP_MAX_EVENTS
 * unread ones, or what takes more than 64 MiB of memory, fail the session. Free
 * listeners before qmp_close().
 */
struct qmp_listener *qmp_listen(struct qmp *q, struct waitq *wake);
/* The oldest unread event, owned by the caller; NULL when there is none. */
struct qmp_event *qmp_listener_take(struct qmp_listener *l);
void qmp_listener_free(struct qmp_listener *l);

#endif
