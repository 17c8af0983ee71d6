/* SPDX-License-Identifier: MIT */
/* lingering: what a host's logind does when an ordinary user logs out. */
#include "engine/hosts/lingering.h"

#include <stdlib.h>
#include <string.h>

#include "engine/hosts/answer.h"
#include "engine/hosts/probe.h"
#include "transport/base/xalloc.h"
#include "transport/quote.h"

static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	while (words && *words) {
		size_t n = strcspn(words, " ");

		if (n == len && !memcmp(words, word, len))
			return true;
		words += n;
		words += strspn(words, " ");
	}
	return false;
}

static bool says_yes(const char *text, const char *key)
{
	AUTO_FREE char *value = answer_value(text, key);

	return value && !strcmp(value, "yes");
}

void lingering_read(const char *text, struct lingering *out)
{
	AUTO_FREE char *user = answer_value(text, "user");
	AUTO_FREE char *kill = answer_value(text, "KillUserProcesses");
	AUTO_FREE char *only = answer_value(text, "KillOnlyUsers");
	AUTO_FREE char *but = answer_value(text, "KillExcludeUsers");
	AUTO_FREE char *session = answer_value(text, "in_session");

	*out = (struct lingering){ .user = NULL };
	if (!user || !kill)
		return;
	out->session = session != NULL;
	out->ends = session && !strcmp(kill, "yes") && !has_word(but, user) &&
		    (!only || !*only || has_word(only, user));
	out->lingers = says_yes(text, "Linger");
	out->user = STEAL(user);
}

int lingering_ask(struct host *h, struct lingering *out, struct mono deadline,
		  struct err *err)
{
	AUTO_BUF struct buf text = { 0 };

	*out = (struct lingering){ .user = NULL };
	if (probe_script(h, "lingering", lingering_sh, &text, deadline, err) <
	    0)
		return -1;
	lingering_read(buf_data(&text), out);
	return 0;
}

int lingering_ask_manager(struct host *h, const char *user,
			  enum lingering_manager *out, struct mono deadline,
			  struct err *err)
{
	AUTO_BUF struct buf script = { 0 };
	AUTO_BUF struct buf text = { 0 };
	AUTO_FREE char *linger = NULL;

	*out = LINGERING_UNKNOWN;
	quote_assign(&script, "of", user);
	buf_printf(&script, "%s", lingering_manager_sh);
	if (probe_script(h, "lingering", buf_data(&script), &text, deadline,
			 err) < 0)
		return -1;
	linger = answer_value(buf_data(&text), "Linger");
	if (linger)
		*out = !strcmp(linger, "yes") ? LINGERING_STAYS
					      : LINGERING_ENDS;
	return 0;
}

void lingering_free(struct lingering *l)
{
	free(l->user);
	l->user = NULL;
}
