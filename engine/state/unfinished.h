/* SPDX-License-Identifier: MIT */
/*
 * unfinished: runs that a recovery has yet to finish or undo, as their
 * journals say, and whether their guest may be migrated anew meanwhile.
 *
 * Journals of another user's guests do not matter, whatever UUID they have: a
 * journal is about a guest of the user that it names (guest_id.h).
 *
 * It may when its owner is decided and the source needs nothing any more, so
 * that only another host waits to be cleaned up: that host may be gone for
 * good, and is the reason to leave. The table of verdict.h decides on the
 * owner, with a destination of which nothing is known.
 */
#ifndef ENGINE_STATE_UNFINISHED_H
#define ENGINE_STATE_UNFINISHED_H

#include <stdbool.h>
#include <sys/types.h>

#include "engine/hosts/identity.h"
#include "engine/state/journal_read.h"
#include "transport/base/err.h"
#include "transport/base/strv.h"

/* Of a run that wants to begin. All borrowed. */
struct unfinished_asker {
	uid_t uid;	   /* the guest's user */
	const char *key;   /* the guest's, or as earlier versions had it */
	const char *guest; /* its name for people */
	const struct identity_space *here;
	const struct identity_space *destination; /* NULL: it goes nowhere */
};

/* The worst of all journals. */
enum unfinished {
	UNFINISHED_NONE,   /* or only the rests of some */
	UNFINISHED_UNREAD, /* one is damaged, and may be about the guest */
	UNFINISHED_OPEN,   /* one of the guest's has to be recovered first */
};

/*
 * Whether a recovery has anything to do for the run @run of the state directory
 * @state, or must hold for it as its journal cannot be read. Also true while
 * its engine lives.
 */
bool unfinished_is(const char *state, const char *run);

/*
 * Whether all that is left of the run of @v, read @here, is to be cleaned up on
 * its destination. Once true it remains so.
 */
bool unfinished_is_rest(const struct journal_view *v,
			const struct identity_space *here);

/*
 * Looks through the journals in @state (there need not be any) that this
 * machine drove; the caller holds the guest's lock, or knows that nobody
 * does. @err is ERR_REFUSED with what to do for all but NONE. What waits to be
 * cleaned up on other hosts than the destination is added to @rests, a sentence
 * each.
 */
enum unfinished unfinished_look(const char *state,
				const struct unfinished_asker *asker,
				struct strv *rests, struct err *err);

#endif
