/* SPDX-License-Identifier: MIT */
/* argv_blank: command lines as people may see them. */
#include "engine/argv/argv.h"
#include "engine/argv/argv_secret.h"
#include "engine/argv/argv_table.h"
#include "transport/base/xalloc.h"

void argv_blank_secrets(const struct strv *argv, struct strv *out)
{
	AUTO_ITEMS struct argv_items items = { .v = NULL };

	argv_items_read(&items, argv, argv_table_find);
	if (argv->n)
		strv_push(out, argv->v[0]);
	for (size_t i = 0; i < items.n; i++) {
		AUTO_FREE char *value = argv_secret_blank(&items.v[i]);

		argv_item_push(out,
			       &(struct argv_item){ .word = items.v[i].word,
						    .value = value });
	}
}

char *argv_blank_text(const struct strv *argv, const char *text)
{
	AUTO_ITEMS struct argv_items items = { .v = NULL };
	char *out = xstrdup(text);

	argv_items_read(&items, argv, argv_table_find);
	for (size_t i = 0; out && i < items.n; i++)
		argv_secret_hide(&out, &items.v[i]);
	return out;
}
