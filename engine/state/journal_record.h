/* SPDX-License-Identifier: MIT */
/*
 * journal_record: the records of a journal, what each announces, and the form
 * in which they are handed about; pure.
 */
#ifndef ENGINE_STATE_JOURNAL_RECORD_H
#define ENGINE_STATE_JOURNAL_RECORD_H

#include <json.h>
#include <stdbool.h>
#include <stdint.h>

#include "transport/base/clock.h"

/*
 * In the order a run writes them, some only with mirrored disks or post-copy.
 * ABORTING … may follow any up to DISKS_SYNCED, and POSTCOPY only when it was
 * seen not to have begun; COMMIT and ROLLBACK never follow POSTCOPY. After an
 * ABORTING that undid all since PREP another try may begin, with PREP. Notes
 * announce nothing: how far a run has come is what the other records say.
 */
enum journal_record {
	JOURNAL_BEGIN,	 /* who, where from, where to; nothing was done */
	JOURNAL_PREP,	 /* directories and QEMU on the destination follow */
	JOURNAL_DEST,	 /* QEMU there has this pid */
	JOURNAL_MIRROR,	 /* `drive-mirror` follows: the destination's disks are
			 * its own */
	JOURNAL_MIGRATE, /* `migrate` follows */
	JOURNAL_SWITCH,	 /* the gate may open: the source may stop */
	JOURNAL_DISKS_SYNCED, /* each mirror was finished without error while
			       * the guest was stopped: disks are alike */
	JOURNAL_POSTCOPY, /* post-copy may begin, and then there is no return:
			   * the source can never go on */
	JOURNAL_COMMIT,	  /* `cont` on the destination follows: no return */
	JOURNAL_ROLLBACK, /* `cont` was refused: going back */
	JOURNAL_DESTRUN,  /* it was seen running on the destination */
	JOURNAL_ABORTING, /* the undo has begun */
	JOURNAL_ABORTED,  /* it runs on the source; all is undone or named */
	JOURNAL_DONE,	  /* the source is gone; nothing is left to do */
	JOURNAL_WISH,	  /* a note: somebody has stopped or continued it */
	JOURNAL_SEEN,	  /* a note: it was seen to run where it should not */
	JOURNAL_RECORDS
};
const char *journal_record_name(enum journal_record r); /* "COMMIT" */
/* JOURNAL_RECORDS for a word that is none. */
enum journal_record journal_record_parse(const char *word);
/* After this record nothing is left to do. */
bool journal_record_is_final(enum journal_record r);

bool journal_record_is_note(enum journal_record r);

/* One record with its facts. */
struct journal_entry {
	enum journal_record record;
	uint64_t seq; /* from 1, without gaps */
	struct wall t;
	struct json_object *data; /* NULL when it had none; owned */
};

#endif
