/* SPDX-License-Identifier: MIT */
/* buf: a growable run of bytes, consumed from the front. */
#include "transport/base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transport/base/xalloc.h"

enum { BUF_MIN = 256 };

void *buf_reserve(struct buf *b, size_t len)
{
	size_t need;

	if (__builtin_add_overflow(b->len, len + 1, &need))
		abort();
	if (b->start && b->start + need > b->size) {
		memmove(b->base, b->base + b->start, b->len);
		b->start = 0;
	}
	if (need > b->size) {
		size_t size = b->size ? b->size : BUF_MIN;

		while (size < need)
			size = size > SIZE_MAX / 2 ? need : size * 2;
		b->base = xrealloc(b->base, size, 1);
		b->size = size;
	}
	return b->base + b->start + b->len;
}

void buf_commit(struct buf *b, size_t len)
{
	assert(b->start + b->len + len < b->size);
	b->len += len;
	b->base[b->start + b->len] = '\0';
}

char *buf_data(struct buf *b)
{
	if (!b->base) {
		*b = (struct buf){ .base = NULL };
		buf_reserve(b, 0);
		buf_commit(b, 0);
	}
	/* room may have been reserved, even written to, and not committed */
	b->base[b->start + b->len] = '\0';
	return b->base + b->start;
}

void buf_append(struct buf *b, const void *data, size_t len)
{
	void *to = buf_reserve(b, len);

	if (len)
		memcpy(to, data, len);
	buf_commit(b, len);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	AUTO_FREE char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	s = xvasprintf(fmt, ap);
	va_end(ap);
	buf_append(b, s, strlen(s));
}

void buf_consume(struct buf *b, size_t len)
{
	assert(len <= b->len);
	b->len -= len;
	b->start = b->len ? b->start + len : 0;
	if (b->base)
		b->base[b->start + b->len] = '\0';
}

void buf_truncate(struct buf *b, size_t len)
{
	assert(len <= b->len);
	b->len = len;
	if (b->base)
		b->base[b->start + len] = '\0';
}

char *buf_steal(struct buf *b)
{
	char *s = xstrndup(buf_data(b), b->len);

	buf_free(b);
	return s;
}

void buf_free(struct buf *b)
{
	free(b->base);
	*b = (struct buf){ .base = NULL };
}

void buf_wipe(struct buf *b)
{
	if (b->base)
		explicit_bzero(b->base, b->size);
	buf_free(b);
}
