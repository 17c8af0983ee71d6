/* SPDX-License-Identifier: MIT */
/*
 * preflight_rights: whether the guest has the same rights on the destination,
 * no less and no more; and whose the run has there.
 */

#include "engine/run/preflight.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"

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

