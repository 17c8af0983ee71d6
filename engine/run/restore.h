/* SPDX-License-Identifier: MIT */
/*
 * restore: a run brought back from its journal.
 */
#ifndef ENGINE_RUN_RESTORE_H
#define ENGINE_RUN_RESTORE_H

#include "transport/base/err.h"

struct journal_view;
struct migrate_options;
struct result;
struct run;

/*
 * Opens @r for a recovery: with this host, and with what it takes to lock the
 * guest of @view (its key, name and run); @dir is the run's directory. To be
 * closed in any case.
 */
int restore_open(struct run *r, const struct migrate_options *opt,
		 struct result *result, const char *dir,
		 const struct journal_view *view, struct err *err);
/*
 * Fills @r (opened for its options) with what @view holds of a run: identity,
 * both sides, directories, settings. ERR_PROTOCOL names the missing member.
 */
int restore_run(struct run *r, const struct journal_view *view,
		struct err *err);

/* What follows is a rollback; without an event. */
void restore_enter_rollback(struct run *r);
/* The point of no return is behind us, as the journal says. */
void restore_committed(struct run *r);

#endif
