/* SPDX-License-Identifier: MIT */
/*
 * style: how a place for text wants it: letters, colours, width.
 */
#ifndef TOOLS_CLI_STYLE_H
#define TOOLS_CLI_STYLE_H

#include <stdbool.h>

struct style {
	bool utf8;
	bool color;
	int columns; /* 0: not a terminal, lines may be of any length */
};

#define STYLE_RED "\033[31m"
#define STYLE_GREEN "\033[32m"
#define STYLE_YELLOW "\033[33m"
#define STYLE_BOLD "\033[1m"
#define STYLE_PLAIN "\033[0m"

/* The sequence, or "" without colours. */
static inline const char *style_paint(const struct style *s, const char *code)
{
	return s->color ? code : "";
}

#endif
