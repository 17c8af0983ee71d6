/* SPDX-License-Identifier: MIT */
/*
 * sentry: goes on watching the source for a while after the guest has moved
 * away, for a QEMU of it that somebody starts there (twin.h).
 *
 * It is in nobody's way: it holds no lock and no connection, and changes
 * nothing but a twin. What it finds is stopped, added to the run's recording
 * (EVENT_STARTED_AGAIN) and logged. It ends early when the guest comes
 * back.
 */
#ifndef ENGINE_RECOVER_SENTRY_H
#define ENGINE_RECOVER_SENTRY_H

#include "transport/base/err.h"
#include "transport/base/strv.h"

struct sentry;

/*
 * Of run @run, whose journal is in the state directory @state_dir (NULL: the
 * usual one); while the source's QEMU lives, as its command line is noted. From
 * a task. NULL: @err says why.
 */
struct sentry *sentry_new(const char *state_dir, const char *run,
			  struct err *err);
/*
 * One look, before the result: what is found goes to @out, a sentence each, and
 * is not found again. From a task.
 */
void sentry_look(struct sentry *s, struct strv *out);
/* From a task. */
void sentry_watch(struct sentry *s, double seconds);
/* NULL is fine. */
void sentry_free(struct sentry *s);

#endif
