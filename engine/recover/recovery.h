/* SPDX-License-Identifier: MIT */
/*
 * recovery: what became of one unfinished run.
 */
#ifndef ENGINE_RECOVER_RECOVERY_H
#define ENGINE_RECOVER_RECOVERY_H

#include "engine/event/result.h"
#include "engine/state/journal.h"
#include "engine/state/verdict.h"
#include "transport/base/strv.h"

struct recovery {
	enum verdict verdict;
	enum journal_record journal; /* how far the run had come */
	enum side_state source, destination;
	struct strv did;      /* sentences, in order */
	struct result result; /* guest, owner, error, left-overs */
};
/* Whether the guest was seen to have left this host for good. */
bool recovery_has_moved(const struct recovery *r);
enum exit_code recovery_exit_code(const struct recovery *r);
/* {"run","guest","outcome","owner","did",…}; owned. */
struct json_object *recovery_to_json(const struct recovery *r);
/* What it holds, not @r itself. */
void recovery_free(struct recovery *r);

#endif
