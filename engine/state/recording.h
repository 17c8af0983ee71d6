/* SPDX-License-Identifier: MIT */
/*
 * recording: the events of each migration, kept by themselves.
 *
 * Theory of operation. One file a run (state_dir.h); its lines are the stream
 * of event.h. Nothing about it may delay or fail a migration. While nothing was
 * changed yet each line is written at once; from recording_detach() on a thread
 * writes, out of a bounded buffer, and the loop never waits for a disk. A disk
 * that takes no more is reported once; what it did not take is kept and tried
 * again with the next line. Nothing is synced: what a power cut takes is no
 * more than a story.
 *
 * A run that is under way holds the lock of its file (lockfile.h), which ends
 * with its process. A reader (recording_read.h) only looks at it.
 *
 * Recovery adds what it did to the recording that a dead engine left, in one
 * piece, once it is done (recording_append()).
 *
 *	queue … launch │ tunnel precopy switchover finish │ close
 *	   at once     │        by the thread             │ waits 1 s at most
 */
#ifndef ENGINE_STATE_RECORDING_H
#define ENGINE_STATE_RECORDING_H

#include <stdbool.h>

#include "transport/base/err.h"

enum {
	RECORDING_FILES = 64,		   /* that remain, with the new one */
	RECORDING_TOTAL_BYTES = 256 << 20, /* of all of them */
	RECORDING_FILE_BYTES = 64 << 20,   /* behind that, no samples */
	RECORDING_PENDING_BYTES = 4 << 20, /* kept for a slow disk */
};

struct recording;

/* Of run @run; keeps what is put until recording_begin(). */
struct recording *recording_new(const char *run);
/* Of one that has a recording; keeps what is put until recording_append(). */
struct recording *recording_new_addition(const char *run);

/*
 * Adds the event @line (without its end). One that is @dispensable is left out
 * of a file that has grown too large. Never fails, see recording_check().
 */
void recording_put(struct recording *r, const char *line, bool dispensable);

/*
 * Removes the oldest recordings of the state directory @state, never one of a
 * run that is under way or has yet to be recovered, then makes the file (and
 * its directory) and writes what was put so far. Does nothing the next time.
 * ERR_SYSTEM once; nothing is recorded then.
 */
int recording_begin(struct recording *r, const char *state, struct err *err);

/*
 * Adds what was put so far to the recording in @state that an engine left,
 * of which a last line that has no end is cut off first; from a task. Where
 * there is none (or no whole line) none is made. ERR_BUSY when somebody still
 * writes it, after a second; ERR_SYSTEM.
 */
int recording_append(struct recording *r, const char *state, struct err *err);

/*
 * From here on a thread of its own writes; does nothing the next time, nor
 * before recording_begin(). It has the rights that the caller has now.
 * ERR_SYSTEM once; nothing more is recorded then.
 */
int recording_detach(struct recording *r, struct err *err);

/* ERR_SYSTEM once, when lines could not be written; after it has begun. */
int recording_check(struct recording *r, struct err *err);

/*
 * Lets what was put be written, for a second at most (the only wait of a task
 * here), drops the lock, frees. NULL is fine.
 */
void recording_close(struct recording *r);

#endif
