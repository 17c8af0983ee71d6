/* SPDX-License-Identifier: MIT */
/*
 * argv_item: a command line of QEMU as a list of options with their values.
 */
#ifndef ENGINE_ARGV_ARGV_ITEM_H
#define ENGINE_ARGV_ARGV_ITEM_H

#include <stddef.h>

#include "engine/argv/argv_opt.h"
#include "engine/argv/argv_table.h"
#include "transport/base/strv.h"

/* Strings are borrowed from the command line that was read. */
struct argv_item {
	const struct argv_def *def; /* NULL: not in the table */
	const char *word;  /* "-m" or "--m"; NULL for a bare disk image */
	const char *value; /* NULL: takes none */
};

struct argv_items {
	struct argv_item *v;
	size_t n;
};

/*
 * Reads @argv behind argv[0]. An option outside of the table has a value if
 * the next word looks like one. Never fails: a value that is missing at the
 * end is NULL although the table asks for one.
 */
void argv_items_read(struct argv_items *list, const struct strv *argv);
void argv_items_free(struct argv_items *list);
#define AUTO_ITEMS __attribute__((cleanup(argv_items_free)))

/* The last option of that name (without dashes), or NULL. */
const struct argv_item *argv_items_last(const struct argv_items *list,
					const char *name);
/*
 * True when @it is the option @name and takes an option string, which is read
 * into @o then.
 */
bool argv_item_opt(const struct argv_item *it, const char *name,
		   struct argv_opt *o);
/*
 * The value of @key in the last option @name (or, second, in -machine and -M)
 * that has one; to be freed. NULL: none.
 */
char *argv_items_key(const struct argv_items *list, const char *name,
		     const char *key);
char *argv_items_machine(const struct argv_items *list, const char *key);
/* Appends the words of @it to @argv. */
void argv_item_push(struct strv *argv, const struct argv_item *it);

#endif
