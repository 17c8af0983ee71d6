/* SPDX-License-Identifier: MIT */
/*
 * journal_identity: the two sides of a run, as a journal identifies them; the
 * members are in journal-format.md.
 */
#ifndef ENGINE_STATE_JOURNAL_IDENTITY_H
#define ENGINE_STATE_JOURNAL_IDENTITY_H

#include <json.h>

#include "engine/hosts/guest_id.h"
#include "engine/hosts/identity.h"
#include "engine/state/journal_read.h"

enum journal_side { JOURNAL_SOURCE, JOURNAL_DESTINATION };

/* "source", "destination": a literal. */
const char *journal_side_name(enum journal_side side);
/*
 * Adds what BEGIN says of the host of one side to @o; returns @o. @token_file
 * is where the run's token is to be on that host; NULL: nowhere.
 */
struct json_object *journal_identity_put(struct json_object *o,
					 enum journal_side side,
					 const struct identity_space *s,
					 const char *token_file);
/*
 * QEMU's process of one side, as far as @v says, from which the path of the
 * token is borrowed. A journal of version 1 has no PID namespace: it is
 * believed to be about the machine's first.
 */
struct identity journal_identity(const struct journal_view *v,
				 enum journal_side side);
/*
 * The guest that @v is about; borrows. One that names no user, which a whole
 * BEGIN does, is this process's user's.
 */
struct guest_id journal_guest(const struct journal_view *v);

#endif
