/* SPDX-License-Identifier: MIT */
/* stale: what may be removed and what not; one claim a test. */
#include "engine/state/stale.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "engine/state/journal.h"
#include "engine/state/state_dir.h"
#include "tests/unit/remove_tree.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

struct place {
	char root[40], dir[64], file[80];
};

static const char run_dir[] = "runs/run-1";

static void make_place(struct place *p, const char *dir, const char *file)
{
	snprintf(p->root, sizeof(p->root), "/tmp/stale-test-XXXXXX");
	assert_non_null(mkdtemp(p->root));
	snprintf(p->dir, sizeof(p->dir), "%s/%s", p->root, dir);
	snprintf(p->file, sizeof(p->file), "%s/%s", p->dir, file);
	assert_int_equal(state_dir_make(p->dir, NULL), 0);
}

static void remove_place(const struct place *p)
{
	assert_int_equal(remove_tree(p->root), 0);
}

static struct journal *begin(const struct place *p, enum journal_record last)
{
	struct journal *j = journal_create(p->file, NULL);

	assert_non_null(j);
	for (int r = JOURNAL_BEGIN; r <= JOURNAL_PREP; r++)
		assert_int_equal(journal_append(j, (enum journal_record)r, NULL,
						NULL),
				 0);
	if (last != JOURNAL_PREP)
		assert_int_equal(journal_append(j, last, NULL, NULL), 0);
	return j;
}

static void put_token(const struct place *p, const char *run, const char *side)
{
	AUTO_FREE char *dir = state_dir_tokens(p->root);
	AUTO_FREE char *path = state_dir_token(p->root, run, side);
	FILE *f;

	assert_int_equal(state_dir_make(dir, NULL), 0);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fclose(f), 0);
}

static bool has_token(const struct place *p, const char *run, const char *side)
{
	AUTO_FREE char *path = state_dir_token(p->root, run, side);

	return access(path, F_OK) == 0;
}

TEST(a_finished_journal_goes_with_its_directory)
{
	struct place p;

	make_place(&p, run_dir, "journal");
	journal_close(begin(&p, JOURNAL_DONE));
	stale_journal(p.root, "run-1", p.root, false);
	assert_int_equal(access(p.dir, F_OK), -1);
	remove_place(&p);
}

TEST(the_token_of_a_finished_run_goes_and_no_other)
{
	struct place p;

	make_place(&p, run_dir, "journal");
	journal_close(begin(&p, JOURNAL_ABORTED));
	put_token(&p, "run-1", "source");
	put_token(&p, "run-1", "destination");
	put_token(&p, "run-2", "source");
	stale_journal(p.root, "run-1", p.root, false);
	assert_false(has_token(&p, "run-1", "source"));
	assert_true(has_token(&p, "run-1", "destination"));
	assert_true(has_token(&p, "run-2", "source"));
	remove_place(&p);
}

TEST(an_unfinished_journal_stays)
{
	struct place p;

	make_place(&p, run_dir, "journal");
	journal_close(begin(&p, JOURNAL_PREP));
	put_token(&p, "run-1", "source");
	stale_journal(p.root, "run-1", p.root, false);
	assert_int_equal(access(p.file, F_OK), 0);
	assert_true(has_token(&p, "run-1", "source"));
	remove_place(&p);
}

TEST(one_whose_writer_lives_stays)
{
	struct place p;
	struct journal *j;

	make_place(&p, run_dir, "journal");
	j = begin(&p, JOURNAL_DONE);
	stale_journal(p.root, "run-1", p.root, false);
	assert_int_equal(access(p.file, F_OK), 0);
	journal_close(j);
	remove_place(&p);
}

TEST(an_empty_directory_stays_while_a_run_may_make_one)
{
	struct place p;

	make_place(&p, run_dir, "journal");
	stale_journal(p.root, "run-1", p.root, true);
	assert_int_equal(access(p.dir, F_OK), 0);
	stale_journal(p.root, "run-1", p.root, false);
	assert_int_equal(access(p.dir, F_OK), -1);
	remove_place(&p);
}

TEST(a_lock_that_nobody_holds_goes)
{
	struct place p;

	make_place(&p, "locks", "guest-1");
	close(open(p.file, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	stale_locks(p.root);
	assert_int_equal(access(p.file, F_OK), -1);
	remove_place(&p);
}

TEST(a_lock_that_is_held_stays)
{
	struct place p;
	int fd;

	make_place(&p, "locks", "guest-1");
	fd = open(p.file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	assert_true(stale_is_busy(p.root));
	stale_locks(p.root);
	assert_int_equal(access(p.file, F_OK), 0);
	close(fd);
	assert_false(stale_is_busy(p.root));
	remove_place(&p);
}
