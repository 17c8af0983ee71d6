/* SPDX-License-Identifier: MIT */
/* Tests of engine/state/journal_record.c. */
#include "engine/state/journal_record.h"

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

TEST(every_record_has_a_name_that_parses_back)
{
	for (unsigned int r = 0; r < JOURNAL_RECORDS; r++)
		assert_int_equal(journal_record_parse(journal_record_name(r)),
				 r);
	assert_int_equal(journal_record_parse("commit"), JOURNAL_RECORDS);
	assert_int_equal(journal_record_parse(""), JOURNAL_RECORDS);
}

/* Recovery compares: from MIGRATE on `migrate` may have been sent. */
TEST(the_records_are_in_the_order_a_run_writes_them)
{
	static const enum journal_record order[] = {
		JOURNAL_BEGIN,	      JOURNAL_PREP,	JOURNAL_DEST,
		JOURNAL_MIRROR,	      JOURNAL_MIGRATE,	JOURNAL_SWITCH,
		JOURNAL_DISKS_SYNCED, JOURNAL_POSTCOPY, JOURNAL_COMMIT,
		JOURNAL_ROLLBACK,     JOURNAL_DESTRUN,	JOURNAL_ABORTING,
		JOURNAL_ABORTED,      JOURNAL_DONE,	JOURNAL_WISH,
		JOURNAL_SEEN,
	};

	assert_int_equal(ARRAY_SIZE(order), JOURNAL_RECORDS);
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		assert_int_equal(order[i], i);
}

TEST(only_wish_and_seen_are_notes)
{
	for (unsigned int r = 0; r < JOURNAL_RECORDS; r++)
		assert_int_equal(journal_record_is_note(r),
				 r == JOURNAL_WISH || r == JOURNAL_SEEN);
}

TEST(only_aborted_and_done_are_final)
{
	for (unsigned int r = 0; r < JOURNAL_RECORDS; r++)
		assert_int_equal(journal_record_is_final(r),
				 r == JOURNAL_ABORTED || r == JOURNAL_DONE);
}
