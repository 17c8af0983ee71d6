/* SPDX-License-Identifier: MIT */
/* argv_item: a command line of QEMU as a list of options. */
#include "engine/argv/argv_item.h"

#include <stdlib.h>
#include <string.h>

#include "transport/base/xalloc.h"

static bool takes_value(const struct argv_item *it, const char *next)
{
	if (!next)
		return false;
	return it->def ? it->def->has_arg : *next != '-';
}

void argv_items_read(struct argv_items *list, const struct strv *argv,
		     argv_finder *find)
{
	*list = (struct argv_items){ .v = xcalloc(argv->n + 1,
						  sizeof(*list->v)) };
	for (size_t i = 1; i < argv->n; i++) {
		struct argv_item *it = &list->v[list->n++];

		it->def = find(argv->v[i]);
		if (*argv->v[i] != '-') {
			it->value = argv->v[i];
			continue;
		}
		it->word = argv->v[i];
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

bool argv_item_opt(const struct argv_item *it, const char *name,
		   struct argv_opt *o)
{
	if (!it->def || !it->value || strcmp(it->def->name, name) != 0)
		return false;
	argv_opt_init(o, it->value, it->def->implied);
	return true;
}

char *argv_items_key(const struct argv_items *list, const char *name,
		     const char *key)
{
	for (size_t i = list->n; i--;) {
		AUTO_OPT struct argv_opt o = { .v = NULL };

		if (argv_item_opt(&list->v[i], name, &o) &&
		    argv_opt_get(&o, key))
			return xstrdup(argv_opt_get(&o, key));
	}
	return NULL;
}

char *argv_items_machine(const struct argv_items *list, const char *key)
{
	char *value = argv_items_key(list, "machine", key);

	return value ? value : argv_items_key(list, "M", key);
}

void argv_item_push(struct strv *argv, const struct argv_item *it)
{
	if (it->word)
		strv_push(argv, it->word);
	if (it->value)
		strv_push(argv, it->value);
}
