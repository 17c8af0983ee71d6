/* SPDX-License-Identifier: MIT */
/*
 * guest_user: whose guest is meant by USER/NAME, on this host (guest_id.h).
 */
#ifndef ENGINE_HOSTS_GUEST_USER_H
#define ENGINE_HOSTS_GUEST_USER_H

#include <stdbool.h>

#include "engine/hosts/local_users.h"

struct guest_user {
	bool is_other;		/* than this process's user; this one is root */
	struct local_user user; /* who was named, .name NULL: nobody */
	const char *guest;	/* what that user calls it; borrowed */
};

/*
 * Reads @word, which is borrowed: a name or UUID, or USER/ and one of them.
 * ERR_USAGE when there is no such user, or when this process's user is neither
 * that one nor root; ERR_SYSTEM when accounts cannot be asked. From a task.
 */
int guest_user_read(const char *word, struct guest_user *out, struct err *err);
void guest_user_free(struct guest_user *u);

#endif
