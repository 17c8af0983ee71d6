/* SPDX-License-Identifier: MIT */
/*
 * qmp_private: the inside of a session, for the files that make it up. Calls
 * go one way:
 *
 *   qmp ──▶ qmp_greeting, qmp_call ──▶ qmp_io ──▶ qmp_events ──▶ qmp_state
 *
 *   caller ──▶ queue of texts ──▶ writer task ──▶ stream ──▶ QEMU
 *   caller ◀── call.answered  ◀─┐
 *   listener queues           ◀─┴ reader task ◀── frame ◀── stream
 */
#ifndef QMP_QMP_PRIVATE_H
#define QMP_QMP_PRIVATE_H

#include "qmp/frame.h"
#include "qmp/json.h"
#include "qmp/qmp.h"

enum { QMP_ID_BYTES = 40, QMP_CHUNK_BYTES = 64 * 1024 };

/* A command whose answer its caller awaits; lives on the caller's stack. */
struct qmp_waiter {
	char id[QMP_ID_BYTES];
	bool answered;
	struct json_object *document; /* the whole reply, owned */
	struct waitq done;
	struct qmp_waiter *next;
};

/* A text that waits to be written. */
struct qmp_text {
	char *text;
	int fd; /* goes with it; -1: none */
	struct qmp_text *next;
};

struct qmp {
	struct stream *stream;
	size_t others; /* users beside the first */
	char *side;
	struct qmp_version version;
	bool oob;
	struct err failure; /* ERR_NONE while the session works */

	struct task *reader;
	struct frame frame;
	struct mono read_at;	 /* the last read */
	struct mono frame_start; /* when the pending document began */
	char chunk[QMP_CHUNK_BYTES];

	struct task *writer;
	struct qmp_text *texts; /* oldest first */
	struct waitq texts_wake;

	uint64_t token; /* random, part of each id */
	uint64_t count;
	struct qmp_waiter *waiters;
	/*
	 * The in-band command that QEMU has not answered yet, though its caller
	 * may be gone. There is never a second one: eight of them stop QEMU
	 * from reading, out-of-band commands included.
	 */
	char in_flight[QMP_ID_BYTES]; /* "": none */
	char in_flight_command[64];
	struct waitq idle;
	char *complaint; /* QEMU's last error without an id */

	struct qmp_listener *listeners;
};

/* --- qmp_io.c ------------------------------------------------------------ */

/* Starts reading and writing; the greeting was read. */
void qmp_io_start(struct qmp *q);
/* Ends both, started or not; drops what is not written yet. */
void qmp_io_stop(struct qmp *q);
/* Reads once and appends to the frame. */
int qmp_io_fill(struct qmp *q, struct mono deadline, struct err *err);
/* The first failure stays; wakes everybody. Takes @err's contents. */
void qmp_io_fail(struct qmp *q, struct err *err);
/* Queues @text, which it takes over, for the writer; @fd is copied. */
int qmp_io_queue(struct qmp *q, char *text, int fd, struct err *err);

/* --- qmp_greeting.c ------------------------------------------------------ */

/* Reads up to the greeting; the errors are those of qmp_open(). */
int qmp_greeting_read(struct qmp *q, struct mono deadline, struct err *err);

/* --- qmp_events.c -------------------------------------------------------- */

/* Hands an event that takes @bytes of memory to every listener. */
int qmp_events_deliver(struct qmp *q, struct json_object *document,
		       size_t bytes, struct err *err);
void qmp_events_wake(struct qmp *q);

#endif
