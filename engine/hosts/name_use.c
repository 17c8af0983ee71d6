/* SPDX-License-Identifier: MIT */
/* name_use: who has a name that a guest's file is to get. */
#include "engine/hosts/name_use.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/hosts/proc_ask.h"
#include "transport/base/xalloc.h"
#include "transport/quote.h"

static const char *const words[] = {
	[NAME_FREE] = "free",		[NAME_LIVE] = "live",
	[NAME_FILE] = "file",		[NAME_SOCKET] = "socket",
	[NAME_DIRECTORY] = "directory", [NAME_UNKNOWN] = "unknown",
};
static_assert(ARRAY_SIZE(words) == NAME_USES, "a word for each use");

static const char *const kind_words[] = {
	[NAME_OF_SOCKET] = "socket",
	[NAME_OF_PIDFILE] = "pid",
	[NAME_OF_LOG] = "log",
};
static_assert(ARRAY_SIZE(kind_words) == NAME_KINDS, "a word for each kind");

void name_use_begin(struct buf *script, const struct name_asker *asker)
{
	as_user_assign(script, asker->user);
	buf_printf(script, "guest=%d except=%d\n%s%s%s", (int)asker->source,
		   (int)asker->self, as_user_sh, proc_ask_sh, name_use_sh);
}

static bool parse(const char *line, struct name_answer *out)
{
	char word[16];
	int pid = 0;

	if (sscanf(line, "%15s %d", word, &pid) < 1)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(words[i], word) != 0)
			continue;
		*out = (struct name_answer){ (enum name_use)i, (pid_t)pid };
		return true;
	}
	return false;
}

int name_use_ask(struct host *h, const struct name_asker *asker,
		 const struct strv *names, const enum name_kind *kinds,
		 struct name_answer *out, struct mono deadline, struct err *err)
{
	AUTO_BUF struct buf script = { 0 };
	AUTO_BUF struct buf text = { 0 };
	const char *line;

	if (!names->n)
		return 0;
	name_use_begin(&script, asker);
	for (size_t i = 0; i < names->n; i++) {
		buf_printf(&script, "name_use %s ", kind_words[kinds[i]]);
		quote_word(&script, names->v[i]);
		buf_printf(&script, "\n");
	}
	buf_printf(&script, "exit 0\n");
	if (probe_script(h, "name probe", buf_data(&script), &text, deadline,
			 err) < 0)
		return -1;
	line = buf_data(&text);
	for (size_t i = 0; i < names->n; i++) {
		const char *end = strchr(line, '\n');

		if (!end || !parse(line, &out[i]))
			return err_set(err, ERR_REMOTE,
				       "the name probe on %s answered too "
				       "little",
				       host_name(h));
		line = end + 1;
	}
	return 0;
}
