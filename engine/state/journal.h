/* SPDX-License-Identifier: MIT */
/*
 * journal: what a run is about to do, on disk before it does it.
 *
 * Theory of operation. One file a run, pre-allocated, mode 0600 in a directory
 * of mode 0700. Each record is one line of text (journal-format.md is
 * normative) with its length and checksum, so that a torn write at the end is
 * distinguished from a whole record; it is appended and fdatasync()ed before
 * the action that it announces. After any crash the last whole record says how
 * far the run can have come, never less than it has: an action without its
 * record did not happen. Records hold no secrets.
 */
#ifndef ENGINE_STATE_JOURNAL_H
#define ENGINE_STATE_JOURNAL_H

#include "engine/state/journal_record.h"
#include "transport/base/err.h"

struct journal;

/*
 * Makes @path (O_EXCL, 0600, pre-allocated) and syncs its directory, which
 * must exist. ERR_SYSTEM.
 */
struct journal *journal_create(const char *path, struct err *err);
/*
 * Opens an unfinished journal to append after its last whole record. ERR_BUSY
 * when another process writes it, which a task waits for a moment.
 */
struct journal *journal_reopen(const char *path, struct err *err);
/*
 * Appends and syncs. @data (taken over, may be NULL) is an object of facts.
 * When it fails the action it announces must not happen.
 */
int journal_append(struct journal *j, enum journal_record r,
		   struct json_object *data, struct err *err);
/*
 * Whether an append failed so that nobody knows whether its record is on disk;
 * then nothing more is appended.
 */
bool journal_in_doubt(const struct journal *j);
void journal_close(struct journal *j); /* NULL is fine */

#endif
