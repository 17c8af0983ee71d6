/* SPDX-License-Identifier: MIT */
/* journal_read: reads an open journal; for journal.c. */
#ifndef ENGINE_STATE_JOURNAL_READ_H
#define ENGINE_STATE_JOURNAL_READ_H

#include "engine/state/journal.h"

/*
 * As journal_read(). @path is for messages; *size_bytes is how long the file
 * is, zeros included.
 */
int journal_read_fd(int fd, const char *path, struct journal_view *out,
		    size_t *size_bytes, struct err *err);

#endif
