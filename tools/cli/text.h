/* SPDX-License-Identifier: MIT */
/*
 * text: words of others made fit for a terminal.
 *
 * Names, paths and messages come from command lines, QEMU and other hosts. What
 * could move a cursor or change a window title is written as \xNN; a line break
 * or tab becomes a blank. Where the locale is not UTF-8 our own signs get an
 * ASCII spelling and other letters become "?".
 */
#ifndef TOOLS_CLI_TEXT_H
#define TOOLS_CLI_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include "transport/base/buf.h"

/* Whether the locale's letters are UTF-8. Only after setlocale(). */
bool text_locale_is_utf8(void);

/* Appends @s, cleaned. */
void text_put(struct buf *b, bool utf8, const char *s);
/* Formats first, then cleans the whole. */
void text_putf(struct buf *b, bool utf8, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Columns that a cleaned text takes. */
int text_width(const char *s);
/* Shortens what was appended after @from bytes to @columns columns. */
void text_fit(struct buf *b, size_t from, int columns);
/* Appends a cleaned @s, filled up with blanks to @width columns. */
void text_cell(struct buf *b, const char *s, int width, bool right);

#endif
