/* SPDX-License-Identifier: MIT */
/*
 * moved: the durable mark on a source that a guest has moved away, for those
 * who would start it there: scripts, units, people (owns.h).
 *
 * One file a move (state_dir.h), lines of KEY=VALUE behind a first line. It is
 * on disk before the source's QEMU quits, and is removed by the run that brings
 * the guest back. A guest without a name and a UUID has none, for nobody could
 * ask for it. Two marks are about one guest when their UUIDs are equal, or when
 * neither has one and the names are.
 */
#ifndef ENGINE_STATE_MOVED_H
#define ENGINE_STATE_MOVED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "transport/base/err.h"

#define MOVED_FIRST_LINE "vmferry-moved 1\n"

/* Strings are owned, by what moved_find() gives; "" where there is none. */
struct moved {
	char *run;
	char *guest; /* its name */
	char *uuid;
	char *source;	   /* this host */
	char *destination; /* as the user called it */
	char *machine;	   /* the destination's id */
	pid_t pid;	   /* of its QEMU there */
	uint64_t ticks;
	double moved_s; /* wall clock */
};

/*
 * Writes @m to the state directory @state and syncs it; earlier marks of the
 * guest go. ERR_SYSTEM.
 */
int moved_write(const char *state, const struct moved *m, struct err *err);

/*
 * The newest mark of the guest @word, a name or a UUID. 1 with *out, 0 when
 * there is none, -1 when the marks cannot be read. ERR_SYSTEM.
 */
int moved_find(const char *state, const char *word, struct moved *out,
	       struct err *err);

/* Whether run @run has its mark still: the guest has not come back. */
bool moved_is_marked(const char *state, const char *run);

/* Removes all marks of the guest @m; syncs. ERR_SYSTEM. */
int moved_forget(const char *state, const struct moved *m, struct err *err);

/*
 * sh: `forget DIR GUEST UUID` removes the marks of a guest in the directory DIR
 * of a host. The values are as in the files: those of
 * answer_safe_value().
 */
extern const char moved_forget_sh[];

void moved_free(struct moved *m);

#endif
