/* SPDX-License-Identifier: MIT */
/*
 * buf: a growable run of bytes, consumed from the front.
 *
 * The bytes are at buf_data(), buf_len() of them, always followed by a NUL
 * that does not count. A zeroed struct is an empty buffer.
 */
#ifndef TRANSPORT_BASE_BUF_H
#define TRANSPORT_BASE_BUF_H

#include <stddef.h>

struct buf {
	char *base;
	size_t start;
	size_t len;
	size_t size;
};

static inline size_t buf_len(const struct buf *b)
{
	return b->len;
}
/* Valid until the next call that changes @b. Never NULL: "" when empty. */
char *buf_data(struct buf *b);

void buf_append(struct buf *b, const void *data, size_t len);
void buf_printf(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Room for at least @len more bytes; write there, then buf_commit(). */
void *buf_reserve(struct buf *b, size_t len);
void buf_commit(struct buf *b, size_t len);
/* Drops @len bytes from the front. */
void buf_consume(struct buf *b, size_t len);
/* Drops all but the first @len bytes. */
void buf_truncate(struct buf *b, size_t len);
/* Hands the bytes over as a string to be freed; @b is empty after. */
char *buf_steal(struct buf *b);
/* Frees; buf_wipe() overwrites first, for secrets. */
void buf_free(struct buf *b);
void buf_wipe(struct buf *b);
#define AUTO_BUF __attribute__((cleanup(buf_free)))

#endif
