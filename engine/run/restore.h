/* SPDX-License-Identifier: MIT */
/*
 * restore: a run brought back from its journal.
 */
#ifndef ENGINE_RUN_RESTORE_H
#define ENGINE_RUN_RESTORE_H

#include "transport/base/err.h"

struct journal_view;
struct run;

/* What it takes to lock the guest of @view: its key, name and run. */
int record_restore_key(struct run *r, const struct journal_view *view,
		       struct err *err);
/*
 * Fills @r (opened for its options) with what @view holds of a run: identity,
 * both sides, directories, settings. ERR_PROTOCOL names the missing member.
 */
int record_restore(struct run *r, const struct journal_view *view,
		   struct err *err);

#endif
