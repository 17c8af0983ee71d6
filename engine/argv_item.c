/* SPDX-License-Identifier: MIT */
/* argv_item: a command line of QEMU as a list of options. */
#include "engine/argv_item.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "transport/base/xalloc.h"

static bool takes_value(const struct argv_item *it, const char *next)
{
	if (!next)
		return false;
	return it->def ? it->def->has_arg : *next != '-';
}

void argv_items_read(struct argv_items *list, const struct strv *argv)
{
	*list = (struct argv_items){
		.v = xcalloc(argv->n + 1, sizeof(*list->v))
	};
	for (size_t i = 1; i < argv->n; i++) {
		struct argv_item *it = &list->v[list->n++];

		if (*argv->v[i] != '-') {
			it->def = argv_table_image();
			it->value = argv->v[i];
			continue;
		}
		it->word = argv->v[i];
		it->def = argv_table_find(it->word);
		if (takes_value(it, argv->v[i + 1]))
			it->value = argv->v[++i];
	}
}

void argv_items_free(struct argv_items *list)
{
	free(list->v);
	*list = (struct argv_items){ .v = NULL };
}

const struct argv_item *argv_items_last(const struct argv_items *list,
					const char *name)
{
	for (size_t i = list->n; i--;) {
		const struct argv_def *def = list->v[i].def;

		if (def && !strcmp(def->name, name))
			return &list->v[i];
	}
	return NULL;
}

void argv_item_push(struct strv *argv, const struct argv_item *it)
{
	if (it->word)
		strv_push(argv, it->word);
	if (it->value)
		strv_push(argv, it->value);
}
