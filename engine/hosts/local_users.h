/* SPDX-License-Identifier: MIT */
/*
 * local_users: accounts of this host, and where their homes are.
 *
 * Asked of a child with a deadline: an account's server, or the storage of a
 * home, may not answer.
 */
#ifndef ENGINE_HOSTS_LOCAL_USERS_H
#define ENGINE_HOSTS_LOCAL_USERS_H

#include <stddef.h>
#include <sys/types.h>

#include "transport/base/clock.h"
#include "transport/base/err.h"
#include "transport/base/strv.h"

/* Strings owned. */
struct local_user {
	uid_t uid;
	gid_t gid;
	char *name;
	char *home;
};

struct local_users {
	struct local_user *v;
	size_t n;
	struct strv silent; /* names of those whose homes do not answer */
};

/*
 * The account @word, a name or a number. 1 with *out, 0 when there is none, -1
 * when that cannot be asked. From a task.
 */
int local_users_find(const char *word, struct local_user *out,
		     struct mono deadline, struct err *err);
/*
 * All but root below whose homes there is the directory @below, without a slash
 * before it. A home that does not answer within a second keeps no other from
 * being found; where there are so many that time runs out, it is an error.
 * Where accounts are not listed (a server's often are not) these are not among
 * them. From a task.
 */
int local_users_having(const char *below, struct local_users *out,
		       struct mono deadline, struct err *err);
/* The accounts in @text, what local_users.sh prints, without those of one uid
 * twice. */
void local_users_parse(const char *text, struct local_users *out);

void local_user_free(struct local_user *u);
void local_users_free(struct local_users *list);

#endif
