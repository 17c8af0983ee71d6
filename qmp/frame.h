/* SPDX-License-Identifier: MIT */
/*
 * frame: cuts a stream of bytes into JSON documents by their nesting.
 *
 * A monitor with pretty=on spreads a document over many lines, so newlines
 * mean nothing; braces outside of strings do. Pure: bytes in, documents out.
 */
#ifndef QMP_FRAME_H
#define QMP_FRAME_H

#include <stddef.h>

#include "transport/base/buf.h"
#include "transport/base/err.h"

enum { FRAME_MAX_BYTES = 16 * 1024 * 1024, FRAME_MAX_DEPTH = 256 };

/* Zeroed to begin with; frame_free() at the end. */
struct frame {
	struct buf pending;
	size_t scanned; /* bytes of pending already looked at */
	unsigned int depth;
	int in_string;
	int escaped;
};

void frame_push(struct frame *f, const void *data, size_t len);
/*
 * The next whole document: 1 and *text (valid until the next call), *len; 0
 * when more bytes are needed; -1 with ERR_PROTOCOL (what is not an object at
 * the top level, too long, too deep), which quotes the offending bytes.
 */
int frame_next(struct frame *f, const char **text, size_t *len,
	       struct err *err);
void frame_free(struct frame *f);

#endif
