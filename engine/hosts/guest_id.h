/* SPDX-License-Identifier: MIT */
/*
 * guest_id: which guest is meant, where several are called alike.
 *
 * The name and the UUID of a guest are what its user writes on a command line,
 * and any user may write those of another's guest. So they distinguish the
 * guests of one user, and no more: guests of two users are two guests. Whatever
 * is kept about a guest (locks, journals, marks) is kept for its user, and what
 * another user's guest is called does not bear on it.
 *
 * The user is the effective one of QEMU, on the host where that is asked.
 */
#ifndef ENGINE_HOSTS_GUEST_ID_H
#define ENGINE_HOSTS_GUEST_ID_H

#include <stdbool.h>
#include <sys/types.h>

/* Borrowed. */
struct guest_id {
	uid_t uid;
	const char *user; /* its name; NULL: not known */
	const char *name; /* NULL or "": none */
	const char *uuid; /* NULL, "" or all zero: none */
};

/* False for NULL, "" and zeros. */
bool guest_id_has_uuid(const char *uuid);

/*
 * Whether both are one guest: of one user, with one UUID, or both without one
 * and with one name.
 */
bool guest_id_same(const struct guest_id *a, const struct guest_id *b);

enum guest_meant {
	GUEST_NOT_MEANT,
	GUEST_MEANT_MAYBE, /* if no guest of the asking user's is */
	GUEST_MEANT,
};
/*
 * Whether user @asker means @g by @word, its name or UUID. Of guests that are
 * called alike the asker's own is meant. USER/NAME and USER/UUID, with a user's
 * name or number, mean no other user's.
 */
enum guest_meant guest_id_meant(const struct guest_id *g, const char *word,
				uid_t asker);

/*
 * The key (run.h) of a guest of user @uid that is known by @text among that
 * user's, in directories of user @login; to be freed. It differs for any two
 * users, and is path_part(@text) for @login's own guests, as it was for all in
 * earlier versions.
 */
char *guest_id_key(const char *text, uid_t uid, uid_t login);
/*
 * The key that earlier versions gave the guest of user @uid whose key is @key:
 * the same for guests of all users; to be freed.
 */
char *guest_id_early_key(const char *key, uid_t uid);

#endif
