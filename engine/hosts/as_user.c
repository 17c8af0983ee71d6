/* SPDX-License-Identifier: MIT */
/* as_user: what root does on a host with the rights of a guest's user. */
#include "engine/hosts/as_user.h"

#include "transport/quote.h"

void as_user_words(struct buf *script, const struct as_user *u)
{
	if (!u)
		return;
	buf_printf(script, " setpriv --init-groups --reuid ");
	quote_word(script, u->name);
	buf_printf(script, " --regid ");
	quote_word(script, u->group);
}

void as_user_assign(struct buf *script, const struct as_user *u)
{
	quote_assign(script, "user", u ? u->name : "");
	quote_assign(script, "group", u ? u->group : "");
}
