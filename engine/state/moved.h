/* SPDX-License-Identifier: MIT */
/*
 * moved: the durable mark on a source that a guest has moved away, for those
 * who would start it there: scripts, units, people (owns.h).
 *
 * One file a move (state_dir.h), lines of KEY=VALUE behind a first line. It is
 * on disk before the source's QEMU quits, and is removed by the run that brings
 * the guest back. A guest without a name and a UUID has none, for nobody could
 * ask for it. guest_id.h says which marks are about one guest: those of another
 * user's never are. A mark of an earlier version, which names no user, is about
 * a guest of the user whose file it is.
 *
 * Marks are in the directory of the run's journals, which others cannot read.
 * What the guest's user has to know of a move that root made is also "away", in
 * the usual state directory of the user who moved it, whatever --state-dir was
 * given: for everybody to read, for that user alone to write. It says no more
 * than process lists say: all but the machine's id. A guest whose
 * run is unfinished is "leaving" there, from the journal's first record until
 * the run has ended; a guest with neither name nor UUID is not there.
 *
 * A name is compared by its key (path_part.h): in a mark's text its control
 * characters are '?'.
 */
#ifndef ENGINE_STATE_MOVED_H
#define ENGINE_STATE_MOVED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/hosts/guest_id.h"
#include "transport/base/err.h"

#define MOVED_FIRST_LINE "vmferry-moved 1\n"

/* Strings are owned, by what moved_find() gives; "" where there is none. */
struct moved {
	char *run;
	char *guest; /* its name */
	char *key;   /* of the name; NULL on writing: that of `guest` */
	char *uuid;
	char *there_key;   /* of its name on the destination, and its UUID */
	char *there_uuid;  /* there; "": not known */
	bool leaving;	   /* it is being moved */
	uid_t uid;	   /* of its user, on this host */
	char *user;	   /* the user's name */
	char *source;	   /* this host */
	char *destination; /* as the user called it */
	char *machine;	   /* the destination's id */
	pid_t pid;	   /* of its QEMU there */
	uint64_t ticks;
	double moved_s; /* wall clock */
	/* found by a word that also means a guest of one more user */
	bool is_one_of_several;
};

/*
 * Writes @m to the state directory @state and syncs it; earlier marks of the
 * guest go. ERR_SYSTEM.
 */
int moved_write(const char *state, const struct moved *m, struct err *err);

/* The guest of @m; borrows. */
struct guest_id moved_guest(const struct moved *m);
/* Whether this process's user means it by @word (guest_id.h), by key. */
enum guest_meant moved_meant(const struct moved *m, const char *word);
/*
 * The best of several marks for what this process's user means by @word: of the
 * guest that is meant most surely the newest. *out is empty to begin with.
 */
struct moved_finding {
	const char *word;
	struct moved *out;
	enum guest_meant found;
};
/* Takes what is in @m over if it is better. */
void moved_finding_add(struct moved_finding *f, struct moved *m);
/*
 * The newest mark of the guest that this process's user means by @word
 * (guest_id.h). 1 with *out, 0 when there is none, -1 when the marks cannot be
 * read. ERR_SYSTEM.
 */
int moved_find(const char *state, const char *word, struct moved *out,
	       struct err *err);

/* Whether run @run has its mark still: the guest has not come back. */
bool moved_is_marked(const char *state, const char *run);

/*
 * Writes @m for others to read, in the usual state directory @state, and syncs
 * it; earlier ones of the guest go. ERR_SYSTEM.
 */
int moved_publish(const char *state, const struct moved *m, struct err *err);
/*
 * As moved_find(), of what was published in @state. What belongs to another
 * user than root and this process's is an error, too.
 */
int moved_find_published(const char *state, const char *word, struct moved *out,
			 struct err *err);
/* Removes what was published of run @run if it says that the guest leaves. */
int moved_retract(const char *state, const char *run, struct err *err);
/* As moved_forget(), of what was published in @state. */
int moved_forget_published(const char *state, const struct moved *m,
			   struct err *err);

/* Removes all marks of the guest @m; syncs. ERR_SYSTEM. */
int moved_forget(const char *state, const struct moved *m, struct err *err);

/*
 * sh: `forget DIR GUEST UUID PID KEY` removes the marks of a guest in the
 * directory DIR of a host, on which it is process PID: the user is that
 * process's. GUEST and UUID are as in the files: those of answer_safe_value();
 * KEY is that of the name.
 */
extern const char moved_forget_sh[];
/*
 * sh: `forget_own GUEST UUID PID KEY`, behind that, does so in the usual state
 * directory of the user who runs it, by the home of the account.
 */
extern const char moved_forget_own_sh[];

/*
 * sh: `marks DIR` prints the marks in DIR, each behind a line "mark=". It fails
 * where DIR, or one of them, cannot be read; there need not be a DIR.
 */
extern const char moved_marks_sh[];
/*
 * Calls @see with each mark in @text, what `marks` printed, until it returns
 * true.
 */
void moved_each(const char *text, bool (*see)(void *arg, const struct moved *m),
		void *arg);

void moved_free(struct moved *m);

#endif
