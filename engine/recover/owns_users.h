/* SPDX-License-Identifier: MIT */
/*
 * owns_users: what ordinary users have moved, when root asks (owns.h).
 *
 * What a user says of a guest (moved_user.h) counts where the guest is known to
 * be that user's. Where root has not said whose it means, it may be root's own
 * guest, of which that user just made something up: neither "it may run" nor
 * "it was moved away" follows.
 */
#ifndef ENGINE_RECOVER_OWNS_USERS_H
#define ENGINE_RECOVER_OWNS_USERS_H

#include "engine/hosts/guest_user.h"
#include "engine/state/moved.h"
#include "transport/base/strv.h"

/*
 * The mark that user @who->user has published of @who->guest. 1 with *out, 0
 * when there is none, -1 when that is not known. From a task.
 */
int owns_users_find(const struct guest_user *who, struct moved *out,
		    struct err *err);
/*
 * Whether any user has published a mark of a guest that @word means, of whom it
 * is not known whether it is the guest's. 0: none; -1: ERR_UNDECIDED, with how
 * to ask. Of users whose marks cannot be read sentences are added to @notes.
 * From a task.
 */
int owns_users_search(const char *word, struct strv *notes, struct err *err);

enum owns_users_claim {
	OWNS_USERS_CLAIMED,
	OWNS_USERS_REFUSED,
	OWNS_USERS_UNDECIDED, /* or not known */
};
/*
 * Claims the guest with the rights and the logins of its user, whose word leads
 * to another host: by @program (on_behalf.h). @err for all but CLAIMED.
 */
enum owns_users_claim owns_users_claim(const struct guest_user *who,
				       const char *program, struct err *err);

#endif
