/* SPDX-License-Identifier: MIT */
/*
 * journal_read: the whole records of a journal, and what they say.
 *
 * A record is synced before the next one is written, so a crash can only spoil
 * what follows the last synced one. Anything unreadable there is torn; but a
 * whole record behind something unreadable proves damage of another kind, and
 * then nothing in the file is trusted.
 */
#include "engine/state/journal_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/state/journal_line.h"
#include "transport/base/xalloc.h"

/* --- the bytes ----------------------------------------------------------- */

static bool all_zero(const char *p, size_t len)
{
	return !len || (!*p && !memcmp(p, p + 1, len - 1));
}

/* Offset of the first whole line from @at on; @len when there is none. */
static size_t find_whole(const char *data, size_t len, size_t at)
{
	while (at < len && !journal_line_whole(data + at, len - at))
		at++;
	return at;
}

/* A file whose maker died at once; anything else is no journal of ours. */
static int check_unbegun(const char *data, size_t len, const char *path,
			 struct journal_view *out, struct err *err)
{
	static const char first[] = JOURNAL_FIRST_LINE;
	size_t same = 0;

	while (same < len && same < sizeof(first) - 1 &&
	       data[same] == first[same])
		same++;
	if (!all_zero(data + same, len - same))
		return err_set(err, ERR_PROTOCOL,
			       "%s is not a journal of version 1 or %d", path,
			       JOURNAL_VERSION);
	out->torn = true;
	return 0;
}

static int add_entry(struct journal_view *out, const char *line, size_t len,
		     struct err *err)
{
	struct journal_entry e;

	if (journal_line_parse(line + JOURNAL_LINE_HEAD,
			       len - JOURNAL_LINE_HEAD - 1, out->n + 1, &e,
			       err) < 0)
		return -1;
	if (!out->n && journal_record_is_note(e.record)) {
		json_object_put(e.data);
		return err_set(err, ERR_PROTOCOL, "nothing comes before %s",
			       journal_record_name(e.record));
	}
	out->v = xrealloc(out->v, out->n + 1, sizeof(*out->v));
	out->v[out->n++] = e;
	return 0;
}

static int check_tail(const char *data, size_t len, const char *path,
		      struct journal_view *out, struct err *err)
{
	size_t at = out->whole_bytes, later;

	out->torn = !all_zero(data + at, len - at);
	later = out->torn ? find_whole(data, len, at + 1) : len;
	if (later < len)
		return err_set(err, ERR_PROTOCOL,
			       "%s: record %zu, at byte %zu, is damaged, yet a "
			       "whole one follows at byte %zu",
			       path, out->n + 1, at, later);
	return 0;
}

static int scan(const char *data, size_t len, const char *path,
		struct journal_view *out, struct err *err)
{
	size_t at = JOURNAL_FIRST_BYTES, n;

	out->version = journal_line_version(data, len);
	if (out->version > JOURNAL_VERSION)
		return err_set(err, ERR_PROTOCOL,
			       "%s is a journal of version %d, which a newer "
			       "vmferry has written",
			       path, out->version);
	if (!out->version)
		return check_unbegun(data, len, path, out, err);
	while ((n = journal_line_whole(data + at, len - at))) {
		if (add_entry(out, data + at, n, err) < 0)
			return err_wrap(err, ERR_PROTOCOL,
					"%s: record %zu, at byte %zu, is not "
					"valid",
					path, out->n + 1, at);
		at += n;
	}
	out->whole_bytes = at;
	return check_tail(data, len, path, out, err);
}

/* --- the file ------------------------------------------------------------ */

static int read_all(int fd, const char *path, struct buf *b, struct err *err)
{
	ssize_t n = 1;

	while (n != 0 && buf_len(b) <= JOURNAL_FILE_MAX) {
		n = pread(fd, buf_reserve(b, 65536), 65536, (off_t)buf_len(b));
		if (n < 0 && errno != EINTR)
			return err_sys(err, errno, "cannot read journal %s",
				       path);
		if (n > 0)
			buf_commit(b, (size_t)n);
	}
	if (buf_len(b) > JOURNAL_FILE_MAX)
		return err_set(err, ERR_PROTOCOL,
			       "%s is larger than any journal (%d bytes)", path,
			       JOURNAL_FILE_MAX);
	return 0;
}

int journal_read_fd(int fd, const char *path, struct journal_view *out,
		    size_t *size_bytes, struct err *err)
{
	AUTO_BUF struct buf b = { 0 };
	struct stat st;

	*out = (struct journal_view){ 0 };
	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "cannot look at %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_PROTOCOL, "%s is not a regular file",
			       path);
	if (read_all(fd, path, &b, err) < 0)
		return -1;
	*size_bytes = buf_len(&b);
	if (scan(buf_data(&b), buf_len(&b), path, out, err) < 0) {
		journal_view_free(out);
		return -1;
	}
	return 0;
}

int journal_read(const char *path, struct journal_view *out, struct err *err)
{
	/* Non-blocking: opening a FIFO must not wait for its writer. */
	AUTO_FD int fd =
		open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	size_t size_bytes;

	*out = (struct journal_view){ 0 };
	if (fd < 0) {
		int why = errno;

		err_sys(err, why, "cannot open journal %s", path);
		errno = why;
		return -1;
	}
	if (journal_read_fd(fd, path, out, &size_bytes, err) == 0)
		return 0;
	errno = EIO;
	return -1;
}

/* --- what it says -------------------------------------------------------- */

void journal_view_free(struct journal_view *v)
{
	for (size_t i = 0; i < v->n; i++)
		json_object_put(v->v[i].data);
	free(v->v);
	*v = (struct journal_view){ 0 };
}

enum journal_record journal_state(const struct journal_view *v)
{
	for (size_t i = v->n; i-- > 0;) {
		if (!journal_record_is_note(v->v[i].record))
			return v->v[i].record;
	}
	return JOURNAL_RECORDS;
}

struct json_object *journal_value(const struct journal_view *v, const char *key)
{
	struct json_object *value = NULL;

	for (size_t i = v->n; i-- > 0;) {
		if (v->v[i].data &&
		    json_object_object_get_ex(v->v[i].data, key, &value))
			return value;
	}
	return NULL;
}
