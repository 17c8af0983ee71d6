/* SPDX-License-Identifier: MIT */
/* text: words of others made fit for a terminal. */
#include "tools/cli/text.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "transport/base/xalloc.h"

bool text_locale_is_utf8(void)
{
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

/* --- UTF-8 --------------------------------------------------------------- */

/* The length of the sequence at @s and its character; 0: not UTF-8. */
static size_t decode(const char *s, unsigned int *c)
{
	const unsigned char *u = (const unsigned char *)s;
	static const unsigned int least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = u[0] < 0x80	       ? 1
		   : (u[0] >> 5) == 6  ? 2
		   : (u[0] >> 4) == 14 ? 3
		   : (u[0] >> 3) == 30 ? 4
				       : 0;

	*c = n > 1 ? u[0] & (0x7fU >> n) : u[0];
	for (size_t i = 1; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (u[i] & 0x3fU);
	}
	if (n &&
	    (*c < least[n] || *c > 0x10ffff || (*c >= 0xd800 && *c < 0xe000)))
		return 0;
	return n;
}

/*
 * What a terminal would obey instead of show: C0, DEL, C1, and the marks that
 * change the direction of writing.
 */
static bool is_control(unsigned int c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) ||
	       (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* --- cleaning ------------------------------------------------------------ */

static const char *ascii_of(unsigned int c)
{
	static const struct {
		unsigned int c;
		const char *ascii;
	} signs[] = {
		{ 0x2192, "->" },  /* → */
		{ 0xb1, "+-" },	   /* ± */
		{ 0xd7, "x" },	   /* × */
		{ 0x2026, "..." }, /* … */
		{ 0x2714, "OK" },  /* ✔ */
		{ 0x2718, "NO" },  /* ✘ */
	};

	for (size_t i = 0; i < ARRAY_SIZE(signs); i++) {
		if (signs[i].c == c)
			return signs[i].ascii;
	}
	return "?";
}

static void put_one(struct buf *b, bool utf8, const char *s, size_t n,
		    unsigned int c)
{
	if (n && (c == '\n' || c == '\t'))
		buf_append(b, " ", 1);
	else if (!n || is_control(c))
		for (size_t i = 0; i < (n ? n : 1); i++)
			buf_printf(b, "\\x%02x", (unsigned char)s[i]);
	else if (c < 0x80 || utf8)
		buf_append(b, s, n);
	else
		buf_printf(b, "%s", ascii_of(c));
}

void text_put(struct buf *b, bool utf8, const char *s)
{
	while (*s) {
		unsigned int c;
		size_t n = decode(s, &c);

		put_one(b, utf8, s, n, c);
		s += n ? n : 1;
	}
}

void text_putf(struct buf *b, bool utf8, const char *fmt, ...)
{
	AUTO_FREE char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	s = xvasprintf(fmt, ap);
	va_end(ap);
	text_put(b, utf8, s);
}

/* --- columns ------------------------------------------------------------- */

/* Outside of a UTF-8 locale wcwidth() knows nothing: one column each. */
static int columns_of(unsigned int c)
{
	int w = wcwidth((wchar_t)c);

	return w < 0 ? 1 : w;
}

int text_width(const char *s)
{
	int width = 0;

	while (*s) {
		unsigned int c;
		size_t n = decode(s, &c);

		width += n ? columns_of(c) : 1;
		s += n ? n : 1;
	}
	return width;
}

void text_fit(struct buf *b, size_t from, int columns)
{
	const char *start = buf_data(b) + from;
	const char *s = start;
	AUTO_FREE char *kept = NULL;
	AUTO_FREE char *before = NULL;
	int width = 0;

	while (*s) {
		unsigned int c;
		size_t n = decode(s, &c);

		width += n ? columns_of(c) : 1;
		if (width > columns)
			break;
		s += n ? n : 1;
	}
	if (!*s)
		return;
	before = xstrndup(buf_data(b), from);
	kept = xstrndup(start, (size_t)(s - start));
	buf_consume(b, buf_len(b));
	buf_printf(b, "%s%s", before, kept);
}

void text_cell(struct buf *b, const char *s, int width, bool right)
{
	int fill = width - text_width(s);

	if (fill < 0)
		fill = 0;
	buf_printf(b, "%*s%s%*s", right ? fill : 0, "", s, right ? 0 : fill,
		   "");
}
