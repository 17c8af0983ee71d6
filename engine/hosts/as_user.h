/* SPDX-License-Identifier: MIT */
/*
 * as_user: what root does on a host with the rights of a guest's user.
 *
 * A guest's command line, the names in it and the program behind
 * /proc/PID/exe are its user's choice. Whatever runs that program, or looks at
 * or changes what such a name leads to, does it with these rights.
 */
#ifndef ENGINE_HOSTS_AS_USER_H
#define ENGINE_HOSTS_AS_USER_H

#include <stdbool.h>

#include "transport/base/buf.h"

/*
 * Somebody whom root can act as, by the names that a host knows; NULL, where
 * one is expected, is the login's own user.
 */
struct as_user {
	const char *name, *group; /* or numbers that have none */
	bool keep_keyring; /* where root's session keyring cannot be taken
			    * away, the command runs with it all the same */
};
/* Where it cannot, and is not to be kept, no command runs. */
enum { AS_USER_KEYRING_STATUS = 125 };

/* Appends words that become @u, before those of a command. */
void as_user_words(struct buf *script, const struct as_user *u);
/*
 * Appends assignments of $user, $group and $keep_keyring, empty for NULL, and
 * of $become.
 */
void as_user_assign(struct buf *script, const struct as_user *u);
/*
 * The functions ask_user COMMAND..., for questions to a program of the user's,
 * and exec_as_user COMMAND...; they need what as_user_assign() assigns.
 */
extern const char as_user_sh[];
/*
 * The functions in_time COMMAND..., which gives up after 5 s with status 124,
 * and remove_run_dir DIRECTORY, with the rights of $user; they need as_user_sh
 * and admit_sh.
 */
extern const char run_dir_remove_sh[];

#endif
