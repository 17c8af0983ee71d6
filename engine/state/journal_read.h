/* SPDX-License-Identifier: MIT */
/* journal_read: the whole records of a journal, and what they say. */
#ifndef ENGINE_STATE_JOURNAL_READ_H
#define ENGINE_STATE_JOURNAL_READ_H

#include <json.h>
#include <stdbool.h>
#include <stddef.h>

#include "engine/state/journal_record.h"
#include "transport/base/err.h"

struct journal_view {
	struct journal_entry *v;
	size_t n;
	bool torn;   /* something unreadable followed the last whole record */
	int version; /* 0: not even a whole first line */
	size_t whole_bytes; /* where the last whole record ends */
};

/*
 * Reads the whole records of a file. A torn end is no error; a bad record in
 * the middle (a whole one follows) is ERR_PROTOCOL with its offset. When it
 * fails, errno is ENOENT if there is no such file, and else is not.
 */
int journal_read(const char *path, struct journal_view *out, struct err *err);
void journal_view_free(struct journal_view *v);
/* The last record that is no note; JOURNAL_RECORDS for an empty journal. */
enum journal_record journal_state(const struct journal_view *v);
/*
 * The newest value of member @key over all records, borrowed, or NULL: later
 * records add to and replace what earlier ones said.
 */
struct json_object *journal_value(const struct journal_view *v,
				  const char *key);

/*
 * As journal_read(). @path is for messages; *size_bytes is how long the file
 * is, zeros included.
 */
int journal_read_fd(int fd, const char *path, struct journal_view *out,
		    size_t *size_bytes, struct err *err);

#endif
