/* SPDX-License-Identifier: MIT */
/*
 * guard: the engine's side of its guardian (guardian.h).
 *
 * A spawned program, never a fork of this process: it shares neither memory
 * nor locks nor descriptors with what may go wrong here. One socket joins the
 * two: the engine beats on it (one byte every GUARD_BEAT_MS, by a task of the
 * engine's own loop, so that a loop that no longer turns falls silent), says
 * when nothing is left to guard, and its end shows that the engine is gone.
 *
 * The answer to GUARD_LOOK is a line for each twin, behind GUARD_TWIN, and one
 * with GUARD_SEEN. An engine that has given up rights (migrate_options.set_up)
 * cannot look itself: it sees no program behind /proc/PID/exe any more.
 */
#ifndef ENGINE_RUN_GUARD_H
#define ENGINE_RUN_GUARD_H

#include <stdbool.h>

#include "engine/run/migrate_options.h"
#include "transport/base/clock.h"
#include "transport/base/err.h"
#include "transport/base/strv.h"

enum { GUARD_BEAT_MS = 200 };

/* What the bytes on the socket mean. */
enum guard_word {
	GUARD_BEAT = '.',
	GUARD_DONE = 'd',  /* nothing is unfinished: go */
	GUARD_MOVED = 'm', /* the same; the guest has moved away */
	GUARD_LOOK = 'l',  /* look for twins (twin.h), and answer */
};

/* What a line of an answer begins with. */
enum guard_answer { GUARD_TWIN = 't', GUARD_SEEN = 'e' };

/*
 * The operand behind the run's: first of all the length of sudo's password
 * comes on the socket, in decimal digits and a newline, and the password.
 */
#define GUARD_PASSWORD "password"

struct guard;

/*
 * Starts @opt->guardian as the guardian of run @run of this thread. To be
 * called from a task. One that dies is replaced a few times. @password: what
 * sudo on the destination wants, NULL: nothing; is copied, and wiped at the
 * end. ERR_SYSTEM.
 */
struct guard *guard_start(const struct migrate_options *opt, const char *run,
			  const char *password, struct err *err);
/*
 * Has the guardian look for twins, and stop them; a sentence each goes to @out.
 * From a task. -1 when it gave no whole answer by @deadline.
 */
int guard_look(struct guard *g, struct strv *out, struct mono deadline);
/*
 * Ends the guarding; frees. With GUARD_DONE the guardian is sent away, with
 * GUARD_MOVED to watch what becomes of the source; with GUARD_BEAT it takes
 * over as soon as this process ends or closes its side. NULL is fine.
 */
void guard_end(struct guard *g, enum guard_word last);

#endif
