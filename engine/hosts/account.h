/* SPDX-License-Identifier: MIT */
/*
 * account: a guest's user and groups, as a host knows them.
 *
 * A process has numbers, a command for it has names: what it may do on another
 * host is the same only where both are the same there.
 */
#ifndef ENGINE_HOSTS_ACCOUNT_H
#define ENGINE_HOSTS_ACCOUNT_H

#include <stdbool.h>
#include <sys/types.h>

#include "transport/base/strv.h"
#include "transport/host.h"

/* Strings owned. */
struct account {
	bool known; /* there is a user of that name, */
	uid_t uid;  /* with this number */
	char *name; /* of a user that was asked for by number, NULL: none */
	struct strv groups; /* numbers of those that the user is in */
	struct strv names;  /* of those that were asked for, "": none */
};

/* Whether @user is a number, that of an account without a name. */
bool account_is_number(const char *user);

/*
 * Asks @h for @user, a name or a number, and for the groups with the numbers
 * @gids.
 */
int account_ask(struct host *h, const char *user, const struct strv *gids,
		struct account *out, struct mono deadline, struct err *err);
/* Whether @gid is among the groups that the user is in. */
bool account_is_in(const struct account *a, const char *gid);
void account_free(struct account *a);

#endif
