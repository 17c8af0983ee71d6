/* SPDX-License-Identifier: MIT */
/* guest_user: whose guest is meant by USER/NAME. */
#include "engine/hosts/guest_user.h"

#include <string.h>
#include <unistd.h>

#include "transport/base/xalloc.h"

enum { ASK_MS = 10000 };

void guest_user_free(struct guest_user *u)
{
	local_user_free(&u->user);
	*u = (struct guest_user){ .is_other = false };
}

static int refuse_unknown(const char *user, const char *word, struct err *err)
{
	err_set(err, ERR_USAGE, "this host has no user %s, of \"%s\"", user,
		word);
	return err_hint(err,
			"USER/NAME is a user's guest; one of yours that is "
			"called so is %u/%s",
			(unsigned int)geteuid(), word);
}

static int refuse_other(const struct guest_user *u, struct err *err)
{
	err_set(err, ERR_USAGE,
		"%s is a guest of %s's: only root may ask for it, or %s",
		u->guest, u->user.name, u->user.name);
	return err_hint(err, "your own guest of that name is \"%s\"", u->guest);
}

/* A monitor's path, "qmp:/…", and a process have no user before them. */
static bool has_user(const char *word, const char *slash)
{
	return slash && slash > word && slash[1] &&
	       !memchr(word, ':', (size_t)(slash - word));
}

int guest_user_read(const char *word, struct guest_user *out, struct err *err)
{
	const char *slash = strchr(word, '/');
	AUTO_FREE char *user = NULL;
	int found;

	*out = (struct guest_user){ .guest = word };
	if (!has_user(word, slash))
		return 0;
	user = xstrndup(word, (size_t)(slash - word));
	found = local_users_find(user, &out->user, mono_in_ms(ASK_MS), err);
	if (found < 0)
		return -1;
	if (!found)
		return refuse_unknown(user, word, err);
	out->guest = slash + 1;
	if (out->user.uid == geteuid())
		return 0;
	if (geteuid())
		return refuse_other(out, err);
	out->is_other = true;
	return 0;
}
