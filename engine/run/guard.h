/* SPDX-License-Identifier: MIT */
/*
 * guard: the engine's side of its guardian (guardian.h).
 *
 * A spawned program, never a fork of this process: it shares neither memory
 * nor locks nor descriptors with what may go wrong here. One socket joins the
 * two: the engine beats on it (one byte every GUARD_BEAT_MS, by a task of the
 * engine's own loop, so that a loop that no longer turns falls silent), says
 * when nothing is left to guard, and its end shows that the engine is gone.
 */
#ifndef ENGINE_RUN_GUARD_H
#define ENGINE_RUN_GUARD_H

#include <stdbool.h>

#include "engine/run/migrate_options.h"
#include "transport/base/err.h"

enum { GUARD_BEAT_MS = 200 };

/* What the bytes on the socket mean. */
enum guard_word {
	GUARD_BEAT = '.',
	GUARD_DONE = 'd', /* nothing is unfinished: go */
};

struct guard;

/*
 * Starts @opt->guardian as the guardian of run @run of this thread. To be
 * called from a task. One that dies is replaced a few times. ERR_SYSTEM.
 */
struct guard *guard_start(const struct migrate_options *opt, const char *run,
			  struct err *err);
/*
 * Ends the guarding; frees. When @finished the guardian is sent away, else it
 * takes over as soon as this process ends or closes its side. NULL is fine.
 */
void guard_end(struct guard *g, bool finished);

#endif
