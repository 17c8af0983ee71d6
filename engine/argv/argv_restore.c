/* SPDX-License-Identifier: MIT */
/*
 * argv_restore: the public command line of a guest that vmferry may have
 * brought here.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/argv/argv.h"
#include "engine/argv/argv_item.h"
#include "engine/argv/argv_opt.h"
#include "engine/argv/argv_own.h"
#include "engine/argv/argv_socket.h"
#include "engine/argv/argv_table.h"
#include "transport/base/xalloc.h"

static bool own_opt(const struct argv_item *it, const char *key)
{
	AUTO_OPT struct argv_opt o = { .v = NULL };

	if (!it->value)
		return false;
	argv_opt_init(&o, it->value, it->def->implied);
	return argv_own_id(argv_opt_get(&o, key)) ||
	       (!strcmp(key, "id") && argv_own_file(argv_opt_get(&o, key)));
}

static bool own_hand(const struct argv_item *it)
{
	AUTO_OPT struct argv_opt o = { .v = NULL };

	return argv_item_opt(it, "add-fd", &o) &&
	       argv_own_hand(argv_opt_get(&o, "opaque"));
}

static bool is_own(const struct argv_item *it)
{
	const char *name = it->def ? it->def->name : "";

	if (!strcmp(name, "S") || !strcmp(name, "incoming"))
		return true;
	if (!strcmp(name, "add-fd"))
		return own_hand(it);
	if (!strcmp(name, "chardev"))
		return own_opt(it, "id");
	return !strcmp(name, "mon") && own_opt(it, "chardev");
}

/* The file of our character device @id, as "file:PATH"; to be freed. */
static char *file_of(const struct argv_items *all, const char *id)
{
	for (size_t i = 0; argv_own_file(id) && i < all->n; i++) {
		AUTO_OPT struct argv_opt o = { .v = NULL };
		const char *path;

		if (!argv_item_opt(&all->v[i], "chardev", &o) ||
		    !argv_opt_is(&o, "id", id))
			continue;
		path = argv_opt_get(&o, "path");
		return path ? xasprintf("file:%s", path) : NULL;
	}
	return NULL;
}

/* A file that the user wrote without a character device of its own. */
static bool push_file(const struct argv_items *all, const struct argv_item *it,
		      struct strv *out)
{
	AUTO_OPT struct argv_opt o = { .v = NULL };
	AUTO_FREE char *file = NULL;

	if (!it->def || !it->value)
		return false;
	if (it->def->syntax == ARGV_SYNTAX_CHARDEV &&
	    !strncmp(it->value, "chardev:", 8)) {
		file = file_of(all, it->value + 8);
		if (file)
			argv_item_push(out,
				       &(struct argv_item){ .word = it->word,
							    .value = file });
	} else if (argv_item_opt(it, "device", &o) &&
		   argv_opt_is(&o, "driver", ARGV_DEBUGCON)) {
		file = file_of(all, argv_opt_get(&o, "chardev"));
		if (file)
			argv_item_push(out,
				       &(struct argv_item){ .word = "-debugcon",
							    .value = file });
	}
	return file != NULL;
}

/* The option string of @it with the names of files that QEMU got open. */
static char *named_opt(const struct argv_items *all, const struct argv_item *it)
{
	AUTO_OPT struct argv_opt o = { .v = NULL };
	bool found = false;

	argv_opt_init(&o, it->value, it->def->implied);
	for (size_t i = 0; i < o.n; i++) {
		AUTO_FREE char *was =
			o.v[i].value ? argv_own_handed(all, o.v[i].value)
				     : NULL;

		if (!was)
			continue;
		argv_opt_set_at(&o, i, was);
		found = true;
	}
	return found ? argv_opt_text(&o) : NULL;
}

/* A file that QEMU got open, by its name. */
static bool push_handed(const struct argv_items *all,
			const struct argv_item *it, struct strv *out)
{
	AUTO_FREE char *value = NULL;

	if (!it->def || !it->value || !strstr(it->value, "/dev/fdset/"))
		return false;
	value = it->def->syntax == ARGV_SYNTAX_OPT
			? named_opt(all, it)
			: argv_own_handed(all, it->value);
	if (value)
		argv_item_push(out, &(struct argv_item){ .word = it->word,
							 .value = value });
	return value != NULL;
}

static void push_public(const struct argv_item *it,
			const struct argv_moves *moves, struct strv *out)
{
	AUTO_SOCKET struct argv_socket s = { .path = NULL };
	AUTO_FREE char *text = NULL;
	const char *known = NULL;

	if (argv_socket_find(it, &s))
		known = argv_moves_public(moves, s.path);
	if (!known) {
		argv_item_push(out, it);
		return;
	}
	text = argv_socket_with(&s, known);
	argv_item_push(out,
		       &(struct argv_item){ .word = it->word, .value = text });
}

char *argv_handed_name(const struct strv *argv, const char *name)
{
	AUTO_ITEMS struct argv_items items = { .v = NULL };

	argv_items_read(&items, argv, argv_table_find);
	return argv_own_handed(&items, name);
}

void argv_restore(const struct strv *argv, const struct argv_moves *moves,
		  struct strv *out)
{
	static const struct argv_moves none;
	AUTO_ITEMS struct argv_items items = { .v = NULL };

	argv_items_read(&items, argv, argv_table_find);
	if (argv->n)
		strv_push(out, argv->v[0]);
	for (size_t i = 0; i < items.n; i++) {
		if (!is_own(&items.v[i]) &&
		    !push_file(&items, &items.v[i], out) &&
		    !push_handed(&items, &items.v[i], out))
			push_public(&items.v[i], moves ? moves : &none, out);
	}
}
