/* SPDX-License-Identifier: MIT */
/* as_user: what root does on a host with the rights of a guest's user. */
#include "engine/hosts/as_user.h"

#include "transport/quote.h"

extern const char as_user_become_sh[];

void as_user_words(struct buf *script, const struct as_user *u)
{
	if (!u)
		return;
	buf_printf(script, " sh -c ");
	quote_word(script, as_user_become_sh);
	buf_printf(script, " sh ");
	quote_word(script, u->name);
	buf_printf(script, " ");
	quote_word(script, u->group);
	buf_printf(script, " %s", u->keep_keyring ? "keep" : "''");
}

void as_user_assign(struct buf *script, const struct as_user *u)
{
	quote_assign(script, "user", u ? u->name : "");
	quote_assign(script, "group", u ? u->group : "");
	quote_assign(script, "keep_keyring",
		     u && u->keep_keyring ? "keep" : "");
	quote_assign(script, "become", as_user_become_sh);
}
