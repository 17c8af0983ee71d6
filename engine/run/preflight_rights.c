/* SPDX-License-Identifier: MIT */
/*
 * preflight_rights: whether the guest has the same rights on the destination,
 * no less and no more; and whose the run has there.
 */
#include <string.h>

#include "engine/run/preflight.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"

#define FAIL(p, name, found, remedy)                                     \
	checks_add(&(p)->r->checks, name, CHECK_DESTINATION, CHECK_FAIL, \
		   found, remedy)

static const char *dst_name(const struct preflight *p)
{
	return host_name(p->r->dst.host);
}

/* Root would act as the user who has that number there. */
static void check_number(struct preflight *p)
{
	const char *number = p->r->source.guest.user;
	const char *name = p->account.name;

	if (name)
		FAIL(p, "user",
		     xasprintf("the guest runs as uid %s, which has no name "
			       "here, and on %s that is the user %s",
			       number, dst_name(p), name),
		     xasprintf("give uid %s the same name, or none, on both "
			       "hosts",
			       number));
}

static void check_name(struct preflight *p)
{
	const struct run *r = p->r;
	const struct guest *g = &r->source.guest;

	if (!p->account.known)
		FAIL(p, "user",
		     xasprintf("the guest runs as %s, who does not exist on %s",
			       g->user, dst_name(p)),
		     xasprintf("create %s there", g->user));
	else if (!r->dst.facts.uid && p->account.uid != g->uid)
		FAIL(p, "user",
		     xasprintf("the guest runs as %s, uid %u, and %s on %s is "
			       "another: uid %u",
			       g->user, (unsigned)g->uid, g->user, dst_name(p),
			       (unsigned)p->account.uid),
		     xasprintf("give %s the same uid on both hosts", g->user));
}

void preflight_check_user(struct preflight *p)
{
	const struct run *r = p->r;
	const struct guest *g = &r->source.guest;

	if (r->dst.facts.uid && g->uid != r->dst.facts.uid)
		FAIL(p, "user",
		     xasprintf("the guest runs as %s, and the login on %s "
			       "cannot start it as that user",
			       g->user, dst_name(p)),
		     xasprintf("log in as root, or as %s", g->user));
	else if (!account_is_number(g->user))
		check_name(p);
	else if (!r->dst.facts.uid)
		check_number(p);
}

/*
 * A number without a name, of a user without one, is not anybody else's group
 * either.
 */
static bool may_have(const struct preflight *p, size_t i)
{
	const char *here = p->groups_here.names.v[i];
	const char *there = p->account.names.v[i];

	if (strcmp(here, there) != 0)
		return false;
	if (!*here && account_is_number(p->r->source.guest.user))
		return i == 0;
	return account_is_in(&p->account, p->gids.v[i]);
}

/* Root alone starts it with groups other than the login's own. */
void preflight_check_groups(struct preflight *p)
{
	const struct guest *g = &p->r->source.guest;

	if (p->r->dst.facts.uid || !g->uid)
		return;
	for (size_t i = 0; i < p->gids.n; i++) {
		const char *name = p->groups_here.names.v[i];

		if (may_have(p, i))
			continue;
		FAIL(p, "group",
		     xasprintf("the guest is in group %s%sgid %s, and %s is "
			       "not in that group on %s",
			       name, *name ? ", " : "", p->gids.v[i], g->user,
			       dst_name(p)),
		     xasprintf("add %s to the group there, with the same name "
			       "and gid, or start the guest without it",
			       g->user));
	}
}

static void refuse_keyring(struct preflight *p, enum check_side side,
			   struct host *h)
{
	const char *user = p->r->source.guest.user;

	checks_add(&p->r->checks, "keyring", side, CHECK_FAIL,
		   xasprintf("programs that are run on %s as %s could read the "
			     "keys in the session keyring of root's login: "
			     "nothing there can give them another",
			     host_name(h), user),
		   xstrdup("install keyutils, e2fsprogs (e4crypt) or perl "
			   "there; where root's keyring has no keys, "
			   "--skip-check keyring accepts it"));
}

void preflight_check_keyring(struct preflight *p)
{
	if (p->shares_keyring_here)
		refuse_keyring(p, CHECK_SOURCE, p->r->src.host);
	if (p->shares_keyring_there)
		refuse_keyring(p, CHECK_DESTINATION, p->r->dst.host);
}

void preflight_check_become(struct preflight *p)
{
	uid_t login;

	if (!host_becomes(p->r->dst.host, &login))
		return;
	checks_add(&p->r->checks, "become", CHECK_DESTINATION, CHECK_PASS,
		   xasprintf("user %u becomes root on %s by sudo",
			     (unsigned int)login, host_name(p->r->dst.host)),
		   NULL);
}
