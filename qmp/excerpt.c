/* SPDX-License-Identifier: MIT */
/* excerpt: a peer's bytes, made fit for a message to a person. */
#include "qmp/excerpt.h"

#include <string.h>

#include "transport/base/buf.h"

static void append_byte(struct buf *b, unsigned char c)
{
	static const char named[] = "\n\r\t\"\\";
	static const char letter[] = "nrt\"\\";
	const char *at = c ? strchr(named, c) : NULL;

	if (at)
		buf_printf(b, "\\%c", letter[at - named]);
	else if (c >= 0x20 && c < 0x7f)
		buf_append(b, &c, 1);
	else
		buf_printf(b, "\\x%02x", c);
}

char *excerpt(const void *data, size_t len)
{
	const unsigned char *bytes = data;
	size_t shown = len < EXCERPT_MAX_BYTES ? len : EXCERPT_MAX_BYTES;
	struct buf b = { 0 };

	buf_append(&b, "\"", 1);
	for (size_t i = 0; i < shown; i++)
		append_byte(&b, bytes[i]);
	buf_printf(&b, "\"%s", shown < len ? "..." : "");
	return buf_steal(&b);
}
