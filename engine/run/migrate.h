/* SPDX-License-Identifier: MIT */
/*
 * migrate: one live migration from the first connection to the receipt.
 */
#ifndef ENGINE_RUN_MIGRATE_H
#define ENGINE_RUN_MIGRATE_H

#include "engine/event/check.h"
#include "engine/event/result.h"
#include "engine/run/migrate_options.h"
#include "transport/base/strv.h"

/*
 * Migrates; to be called from a task. Always fills @result (result_init()ed
 * before, result_free()d by the caller). task_cancel() on the task cancels the
 * migration safely: before the point of no return everything is undone and the
 * guest stays on the source; after it the migration is finished first.
 */
void migrate_run(const struct migrate_options *opt, struct result *result);

/*
 * Preflight only: connects, discovers, checks, changes nothing. @list gets
 * every check; @result says what prevented even that.
 */
void migrate_check(const struct migrate_options *opt, struct checks *list,
		   struct result *result);

/*
 * --dry-run: as migrate_check, and @plan gets the lines of what would be done
 * (destination command line with secrets blanked, sockets, stages).
 */
void migrate_plan(const struct migrate_options *opt, struct checks *list,
		  struct strv *plan, struct result *result);

#endif
