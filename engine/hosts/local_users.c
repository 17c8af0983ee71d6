/* SPDX-License-Identifier: MIT */
/* local_users: accounts of this host, and where their homes are. */
#include "engine/hosts/local_users.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/hosts/probe.h"
#include "engine/hosts/proc_ask.h"
#include "transport/base/buf.h"
#include "transport/base/xalloc.h"
#include "transport/host_local.h"
#include "transport/quote.h"

extern const char local_users_sh[];

static const char head[] = "account=", silent[] = "silent=";

void local_user_free(struct local_user *u)
{
	free(u->name);
	free(u->home);
	*u = (struct local_user){ .name = NULL };
}

void local_users_free(struct local_users *list)
{
	for (size_t i = 0; i < list->n; i++)
		local_user_free(&list->v[i]);
	free(list->v);
	strv_free(&list->silent);
	*list = (struct local_users){ .v = NULL };
}

/* --- reading -------------------------------------------------------------- */

/* A number of a user or group, and the colon after it. */
static bool take_number(const char **p, unsigned int *out)
{
	char *end;
	unsigned long n;

	if (**p < '0' || **p > '9')
		return false;
	errno = 0;
	n = strtoul(*p, &end, 10);
	if (errno || *end != ':' || n >= (uid_t)-1)
		return false;
	*out = (unsigned int)n;
	*p = end + 1;
	return true;
}

static bool is_there(const struct local_users *list, uid_t uid)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->v[i].uid == uid)
			return true;
	}
	return false;
}

/* "UID:GID:NAME:HOME" up to @end. */
static void take_account(const char *p, const char *end,
			 struct local_users *out)
{
	unsigned int uid, gid;
	const char *colon;

	if (!take_number(&p, &uid) || !take_number(&p, &gid) ||
	    is_there(out, uid))
		return;
	colon = memchr(p, ':', (size_t)(end - p));
	if (!colon || colon == p || colon[1] != '/')
		return;
	out->v = xrealloc(out->v, out->n + 1, sizeof(*out->v));
	out->v[out->n++] = (struct local_user){
		.uid = uid,
		.gid = gid,
		.name = xstrndup(p, (size_t)(colon - p)),
		.home = xstrndup(colon + 1, (size_t)(end - colon - 1)),
	};
}

void local_users_parse(const char *text, struct local_users *out)
{
	*out = (struct local_users){ .v = NULL };
	while (*text) {
		const char *end = text + strcspn(text, "\n");

		if (!strncmp(text, head, strlen(head)))
			take_account(text + strlen(head), end, out);
		else if (!strncmp(text, silent, strlen(silent)))
			strv_take(&out->silent,
				  xstrndup(text + strlen(silent),
					   (size_t)(end - text) -
						   strlen(silent)));
		text = *end ? end + 1 : end;
	}
}

/* --- asking --------------------------------------------------------------- */

static int ask(const char *user, const char *below, struct local_users *out,
	       struct mono deadline, struct err *err)
{
	struct host *h = host_local_new();
	AUTO_BUF struct buf script = { 0 };
	AUTO_BUF struct buf text = { 0 };
	int rc;

	quote_assign(&script, "user", user);
	quote_assign(&script, "below", below);
	buf_printf(&script, "%s%s", proc_ask_sh, local_users_sh);
	rc = probe_script(h, "accounts", buf_data(&script), &text, deadline,
			  err);
	host_close(h);
	if (rc == 0)
		local_users_parse(buf_data(&text), out);
	return rc;
}

int local_users_find(const char *word, struct local_user *out,
		     struct mono deadline, struct err *err)
{
	struct local_users found = { .v = NULL };

	*out = (struct local_user){ .name = NULL };
	if (!*word || strpbrk(word, ":\n"))
		return 0;
	if (ask(word, "", &found, deadline, err) < 0)
		return -1;
	if (!found.n)
		return 0;
	*out = found.v[0];
	found.v[0] = (struct local_user){ .name = NULL };
	local_users_free(&found);
	return 1;
}

int local_users_having(const char *below, struct local_users *out,
		       struct mono deadline, struct err *err)
{
	*out = (struct local_users){ .v = NULL };
	return ask("", below, out, deadline, err);
}
