/* SPDX-License-Identifier: MIT */
/*
 * recording_read: what recordings (recording.h) say of their runs.
 *
 * Reads files that others write at the same time: a last line that has not
 * come to its end does not count. Of each kind of event only the last is kept.
 */
#ifndef ENGINE_STATE_RECORDING_READ_H
#define ENGINE_STATE_RECORDING_READ_H

#include <json.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "engine/event/event.h"
#include "transport/base/err.h"

enum recording_state {
	RECORDING_RUNNING, /* its engine lives and has not ended yet */
	RECORDING_ENDED,   /* it has a result */
	RECORDING_BROKEN,  /* its engine ended without one */
	RECORDING_STATES
};
const char *recording_state_name(enum recording_state s);

/* Owned. */
struct recording_view {
	char *run, *path;
	enum recording_state state;
	double started_s, updated_s;	       /* wall clock */
	struct json_object *last[EVENT_KINDS]; /* NULL: none of that kind */
};

struct recordings {
	char *dir;		  /* where they are */
	struct recording_view *v; /* the latest start first */
	size_t n;
};

/*
 * All recordings in the state directory @state. Files that are none are passed
 * over; no directory is an empty list. ERR_SYSTEM when it cannot be read or
 * trusted. Release with recordings_free() in either case.
 */
int recordings_read(const char *state, struct recordings *out, struct err *err);
void recordings_free(struct recordings *list);
/* That of run @run alone; false: none. Free it in either case. */
bool recording_view_read(const char *state, const char *run,
			 struct recording_view *v);
void recording_view_free(struct recording_view *v);

/* Borrowed; the guest's name, or the word for it when the name is not known. */
const char *recording_guest(const struct recording_view *v);
/* Borrowed; NULL: none, or not known. */
const char *recording_uuid(const struct recording_view *v);
/* Whether @word is its run id, or its guest's name, UUID, or word. */
bool recording_is_of(const struct recording_view *v, const char *word);
/* Whether its end was reported by a recovery, after its engine had died. */
bool recording_is_recovered(const struct recording_view *v);
/*
 * Whether the guest may be one of user @uid; recordings of earlier versions do
 * not say whose it is.
 */
bool recording_may_be_of_user(const struct recording_view *v, uid_t uid);
/* Whether it says so. */
bool recording_is_of_user(const struct recording_view *v, uid_t uid);
/* Whether both are about the same guest, as far as is known. */
bool recording_same_guest(const struct recording_view *a,
			  const struct recording_view *b);

/* A member of the last event of @kind: NAN or NULL when there is none. */
double recording_number(const struct recording_view *v, enum event_kind kind,
			const char *key);
const char *recording_text(const struct recording_view *v, enum event_kind kind,
			   const char *key);

/*
 * The run that @word means to replay: of that id, or the latest of that guest
 * that has ended and copied something. NULL: none.
 */
const struct recording_view *recordings_to_replay(const struct recordings *list,
						  const char *word);

#endif
