/* SPDX-License-Identifier: MIT */
/* frame: cuts a stream of bytes into JSON documents by their nesting. */
#include "qmp/frame.h"

#include "qmp/excerpt.h"
#include "transport/base/xalloc.h"

void frame_push(struct frame *f, const void *data, size_t len)
{
	buf_append(&f->pending, data, len);
}

void frame_free(struct frame *f)
{
	buf_free(&f->pending);
	*f = (struct frame){ .depth = 0 };
}

static int is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Drops the document handed out last and the space before the next one. */
static void drop_done(struct frame *f)
{
	const char *text;
	size_t n = 0;

	if (f->depth)
		return;
	buf_consume(&f->pending, f->scanned);
	f->scanned = 0;
	text = buf_data(&f->pending);
	while (n < buf_len(&f->pending) && is_space(text[n]))
		n++;
	buf_consume(&f->pending, n);
}

static int refuse(struct frame *f, const char *why, struct err *err)
{
	AUTO_FREE char *bytes =
		excerpt(buf_data(&f->pending), buf_len(&f->pending));

	return err_set(err, ERR_PROTOCOL, "%s: %s", why, bytes);
}

/* One byte further; true when it ends the document. */
static int step(struct frame *f, char c)
{
	if (f->escaped) {
		f->escaped = 0;
	} else if (f->in_string) {
		f->escaped = c == '\\';
		f->in_string = c != '"';
	} else if (c == '"') {
		f->in_string = 1;
	} else if (c == '{' || c == '[') {
		f->depth++;
	} else if (c == '}' || c == ']') {
		return --f->depth == 0;
	}
	return 0;
}

int frame_next(struct frame *f, const char **text, size_t *len, struct err *err)
{
	const char *data;

	drop_done(f);
	data = buf_data(&f->pending);
	if (buf_len(&f->pending) && data[0] != '{')
		return refuse(f, "not a JSON object", err);
	while (f->scanned < buf_len(&f->pending)) {
		int ended = step(f, data[f->scanned++]);

		if (f->depth > FRAME_MAX_DEPTH)
			return refuse(f, "JSON nested too deep", err);
		if (f->scanned > FRAME_MAX_BYTES)
			return refuse(f, "JSON document too long", err);
		if (ended) {
			*text = data;
			*len = f->scanned;
			return 1;
		}
	}
	return 0;
}
