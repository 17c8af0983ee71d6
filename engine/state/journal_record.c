/* SPDX-License-Identifier: MIT */
/* journal_record: the names of a journal's records; which of them end it. */
#include "engine/state/journal_record.h"

#include <assert.h>
#include <string.h>

#include "transport/base/xalloc.h"

static const char *const names[] = {
	[JOURNAL_BEGIN] = "BEGIN",
	[JOURNAL_PREP] = "PREP",
	[JOURNAL_DEST] = "DEST",
	[JOURNAL_MIRROR] = "MIRROR",
	[JOURNAL_MIGRATE] = "MIGRATE",
	[JOURNAL_SWITCH] = "SWITCH",
	[JOURNAL_DISKS_SYNCED] = "DISKS_SYNCED",
	[JOURNAL_POSTCOPY] = "POSTCOPY",
	[JOURNAL_COMMIT] = "COMMIT",
	[JOURNAL_ROLLBACK] = "ROLLBACK",
	[JOURNAL_DESTRUN] = "DESTRUN",
	[JOURNAL_ABORTING] = "ABORTING",
	[JOURNAL_ABORTED] = "ABORTED",
	[JOURNAL_DONE] = "DONE",
	[JOURNAL_WISH] = "WISH",
	[JOURNAL_SEEN] = "SEEN",
};
static_assert(ARRAY_SIZE(names) == JOURNAL_RECORDS, "a name a record");

const char *journal_record_name(enum journal_record r)
{
	assert(r < JOURNAL_RECORDS);
	return names[r];
}

enum journal_record journal_record_parse(const char *word)
{
	unsigned int r = 0;

	while (r < JOURNAL_RECORDS && strcmp(names[r], word) != 0)
		r++;
	return (enum journal_record)r;
}

bool journal_record_is_final(enum journal_record r)
{
	return r == JOURNAL_ABORTED || r == JOURNAL_DONE;
}

bool journal_record_is_note(enum journal_record r)
{
	return r == JOURNAL_WISH || r == JOURNAL_SEEN;
}
