/* SPDX-License-Identifier: MIT */
/*
 * moved_user: what ordinary users have published of their guests (moved.h), as
 * root reads it.
 *
 * A user moves his guests without root, and says so in his usual state
 * directory below his home: he alone writes there, and nobody has looked at
 * what he wrote. So it counts for his own guests and no others: a mark is
 * passed over unless it names him as the user of the guest, and is an error
 * unless its file, and each directory below the home, is his. That is judged by
 * descriptor; links are not followed. It is an error, too, where a user has
 * mounted a file system on that way (FUSE), which need not answer.
 */
#ifndef ENGINE_STATE_MOVED_USER_H
#define ENGINE_STATE_MOVED_USER_H

#include "engine/hosts/local_users.h"
#include "engine/state/moved.h"

/* Below a home; $XDG_STATE_HOME of others is not known. */
extern const char moved_user_away[];

/*
 * The newest mark that @u has published of the guest that is meant by @word, as
 * moved_find(). -1, also when there is a file that cannot be read, is none, or
 * belongs to somebody else.
 */
int moved_user_find(const struct local_user *u, const char *word,
		    struct moved *out, struct err *err);

#endif
