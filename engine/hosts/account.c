/* SPDX-License-Identifier: MIT */
/* account: a guest's user and groups, as a host knows them. */
#include "engine/hosts/account.h"

#include <stdlib.h>
#include <string.h>

#include "engine/hosts/answer.h"
#include "engine/hosts/probe.h"
#include "transport/base/buf.h"
#include "transport/base/xalloc.h"
#include "transport/quote.h"

extern const char account_sh[];

bool account_is_number(const char *user)
{
	return *user && strspn(user, "0123456789") == strlen(user);
}

static void split(struct strv *out, const char *text)
{
	while (*(text += strspn(text, " "))) {
		size_t len = strcspn(text, " ");

		strv_take(out, xstrndup(text, len));
		text += len;
	}
}

static void read_account(struct account *a, const char *text,
			 const struct strv *gids)
{
	AUTO_FREE char *uid = answer_value(text, "uid");
	AUTO_FREE char *groups = answer_value(text, "groups");
	char *name = answer_value(text, "name");

	a->known = uid != NULL;
	a->uid = uid ? (uid_t)strtoul(uid, NULL, 10) : 0;
	if (name && *name)
		a->name = STEAL(name);
	free(name);
	split(&a->groups, groups ? groups : "");
	for (size_t i = 0; i < gids->n; i++) {
		AUTO_FREE char *key = xasprintf("group-%s", gids->v[i]);
		AUTO_FREE char *value = answer_value(text, key);

		strv_push(&a->names, value ? value : "");
	}
}

int account_ask(struct host *h, const char *user, const struct strv *gids,
		struct account *out, struct mono deadline, struct err *err)
{
	AUTO_FREE char *numbers = strv_join(gids, " ");
	AUTO_BUF struct buf script = { 0 };
	AUTO_BUF struct buf text = { 0 };

	*out = (struct account){ .known = false };
	quote_assign(&script, "user", user);
	quote_assign(&script, "gids", numbers);
	buf_printf(&script, "%s", account_sh);
	if (probe_script(h, "account", buf_data(&script), &text, deadline,
			 err) < 0)
		return -1;
	read_account(out, buf_data(&text), gids);
	return 0;
}

bool account_is_in(const struct account *a, const char *gid)
{
	return strv_has(&a->groups, gid);
}

void account_free(struct account *a)
{
	free(a->name);
	strv_free(&a->groups);
	strv_free(&a->names);
	*a = (struct account){ .known = false };
}
