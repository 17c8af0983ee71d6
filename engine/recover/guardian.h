/* SPDX-License-Identifier: MIT */
/*
 * guardian: finishes or undoes a run whose engine died or hangs.
 *
 * Theory of operation. A small process of its own, started by the engine
 * before anything is changed (guard.h), in a session of its own, logged in to
 * the destination on its own; where sudo wants a password there, the engine has
 * given it. It listens to the engine's beat. The engine is
 *
 *	dead	when its end of the socket is closed;
 *	wedged	when it was silent for GUARDIAN_SILENCE_MS and does not run: it
 *		is stopped, sleeps in a call that does not return, or burns CPU
 *		without a beat. It is killed then, which also frees its lock.
 *	starved	when it was silent but waits for a CPU. That is no reason to
 *		kill it; nor is a time in which the guardian itself did not get
 *		to run: its own late ticks do not count as silence.
 *
 * For a dead engine with an unfinished journal it runs recovery (recover.h) at
 * once: a guest that is stopped goes on within a second. As long as recovery
 * must hold it tries again, until the run is finished by it or by a person.
 *
 * When the guest has moved away it goes on, for a while, as the sentry of the
 * source (sentry.h).
 */
#ifndef ENGINE_RECOVER_GUARDIAN_H
#define ENGINE_RECOVER_GUARDIAN_H

#include <sys/types.h>

#include "engine/recover/recover.h"
#include "engine/recover/sentry.h"

enum { GUARDIAN_SILENCE_MS = 3000 };

/* Everything is borrowed. */
struct guardian_options {
	int fd;			 /* the socket to the engine */
	pid_t engine;		 /* who is killed when wedged */
	pid_t thread;		 /* whose loop beats */
	const char *destination; /* to be logged in to beforehand */
	/* its `word` is the run's id; `warm` is the guardian's own */
	struct recover_options recover;
};

/*
 * Watches until nothing is left to guard; to be called from a task. The last
 * recovery goes to @out: none when the engine finished its run itself. Where
 * the guest has moved away *sentry is what is left to do: to watch the source,
 * once this process has let go of everything else; else NULL.
 */
void guardian_run(const struct guardian_options *opt, struct recoveries *out,
		  struct sentry **sentry);

/* --- judging the engine; pure, for tests ---------------------------------- */

/* What /proc says of the engine's thread. */
struct guardian_sight {
	char state;	 /* R, S, D, T, …; 0: could not be seen */
	uint64_t cpu_ms; /* used since its start */
};
/* What was seen since the last beat. */
struct guardian_watch {
	double silent_ms;     /* in which the guardian was awake */
	uint64_t cpu_ms_then; /* at the last beat */
	int asleep;	      /* sights in a row of an engine that sleeps */
};
/* After @passed_ms without a beat: whether it is time for a sight. */
bool guardian_silence(struct guardian_watch *w, double passed_ms);
/* True when the engine is wedged. */
bool guardian_judge(struct guardian_watch *w, const struct guardian_sight *s);
/*
 * How long to wait with the next try to recover, after one that was @busy (or
 * had to hold) and @tries of its kind before. Grows to some seconds.
 */
int guardian_pause_ms(bool busy, unsigned int tries);
/*
 * Whether nothing is left to do after a recovery that reports @list: the run
 * is finished, or waits for a person.
 */
bool guardian_is_over(const struct recoveries *list);

#endif
