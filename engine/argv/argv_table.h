/* SPDX-License-Identifier: MIT */
/*
 * argv_table: every option of QEMU 7.2 to 11.1 and what becomes of it.
 */
#ifndef ENGINE_ARGV_ARGV_TABLE_H
#define ENGINE_ARGV_ARGV_TABLE_H

#include <stdbool.h>

#include "engine/argv/argv.h"

struct argv_work;
struct argv_item;

/* Puts what becomes of @it into the plan of @w. */
typedef void argv_handler(struct argv_work *w, const struct argv_item *it);

/* How a value is written, for those who look for sockets and secrets. */
enum argv_syntax {
	ARGV_SYNTAX_PLAIN,   /* free text, a path, or no value */
	ARGV_SYNTAX_OPT,     /* an option string: argv_opt.h */
	ARGV_SYNTAX_CHARDEV, /* "unix:PATH,…", "tcp:…", "stdio", … */
};

struct argv_def {
	const char *name; /* without dashes; "" for a bare disk image */
	bool has_arg;
	enum argv_syntax syntax;
	const char *implied; /* key of the first word of an option string */
	argv_handler *handle;
	/* For argv_do_path, argv_do_disk: what the file is. */
	enum argv_file_kind file;
	/* For argv_do_drop, argv_do_refuse, argv_do_warn: the text. */
	const char *why;
};

/* @word with one or two dashes. NULL: no such option. */
const struct argv_def *argv_table_find(const char *word);
/* The entry of a bare word: the image of the first disk. */
const struct argv_def *argv_table_image(void);

#endif
