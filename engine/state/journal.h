/* SPDX-License-Identifier: MIT */
/*
 * journal: what a run is about to do, on disk before it does it.
 *
 * Theory of operation. One file a run, pre-allocated, mode 0600 in a directory
 * of mode 0700. Each record is one line of text (journal-format.md is
 * normative) with its length and checksum, so that a torn write at the end is
 * told from a whole record; it is appended and fdatasync()ed before the
 * action that it announces. After any crash the last whole record says how far
 * the run can have come, never less than it has: an action without its record
 * did not happen. Records hold no secrets.
 */
#ifndef ENGINE_STATE_JOURNAL_H
#define ENGINE_STATE_JOURNAL_H

#include <json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transport/base/clock.h"
#include "transport/base/err.h"

/*
 * In the order a run writes them, some only with mirrored disks or post-copy.
 * ABORTING … may follow any up to DISKS_SYNCED, and POSTCOPY only when it was
 * seen not to have begun; COMMIT and ROLLBACK never follow POSTCOPY. After an
 * ABORTING that undid all since PREP another try may begin, with PREP.
 */
enum journal_record {
	JOURNAL_BEGIN,	 /* who, where from, where to; nothing was done */
	JOURNAL_PREP,	 /* directories and QEMU on the destination follow */
	JOURNAL_DEST,	 /* QEMU over there has this pid */
	JOURNAL_MIRROR,	 /* `drive-mirror` follows: the destination's disks are
			 * its own */
	JOURNAL_MIGRATE, /* `migrate` follows */
	JOURNAL_SWITCH,	 /* the gate may open: the source may stop */
	JOURNAL_DISKS_SYNCED, /* each mirror was finished without error while
			       * the guest stood still: the disks are alike */
	JOURNAL_POSTCOPY, /* post-copy may begin, and then there is no return:
			   * the source can never go on */
	JOURNAL_COMMIT,	  /* `cont` on the destination follows: no return */
	JOURNAL_ROLLBACK, /* `cont` was refused: going back */
	JOURNAL_DESTRUN,  /* it was seen running on the destination */
	JOURNAL_ABORTING, /* the undo has begun */
	JOURNAL_ABORTED,  /* it runs on the source; all is undone or named */
	JOURNAL_DONE,	  /* the source is gone; nothing is left to do */
	JOURNAL_RECORDS
};
const char *journal_record_name(enum journal_record r); /* "COMMIT" */
/* JOURNAL_RECORDS for a word that is none. */
enum journal_record journal_record_parse(const char *word);
/* After this record nothing is left to do. */
bool journal_is_final(enum journal_record r);

struct journal;

/*
 * Makes @path (O_EXCL, 0600, pre-allocated) and syncs its directory, which
 * must exist. ERR_SYSTEM.
 */
struct journal *journal_create(const char *path, struct err *err);
/* Opens an unfinished journal to append after its last whole record. */
struct journal *journal_reopen(const char *path, struct err *err);
/*
 * Appends and syncs. @data (taken over, may be NULL) is an object of facts.
 * When it fails the action it announces must not happen.
 */
int journal_append(struct journal *j, enum journal_record r,
		   struct json_object *data, struct err *err);
void journal_close(struct journal *j); /* NULL is fine */

/* --- reading ------------------------------------------------------------- */

struct journal_entry {
	enum journal_record record;
	uint64_t seq; /* from 1, without gaps */
	struct wall t;
	struct json_object *data; /* NULL when it had none; owned */
};

struct journal_view {
	struct journal_entry *v;
	size_t n;
	bool torn; /* something unreadable followed the last whole record */
	size_t whole_bytes; /* where the last whole record ends */
};

/*
 * Reads the whole records of a file. A torn end is no error; a bad record in
 * the middle (a whole one follows) is ERR_PROTOCOL with its offset. When it
 * fails, errno is ENOENT if there is no such file, and else is not.
 */
int journal_read(const char *path, struct journal_view *out, struct err *err);
void journal_view_free(struct journal_view *v);
/* The last record; JOURNAL_RECORDS for an empty journal. */
enum journal_record journal_state(const struct journal_view *v);
/*
 * The newest value of member @key over all records, borrowed, or NULL: later
 * records add to and replace what earlier ones said.
 */
struct json_object *journal_value(const struct journal_view *v,
				  const char *key);

#endif
