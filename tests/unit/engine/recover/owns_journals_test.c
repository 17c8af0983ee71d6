/* SPDX-License-Identifier: MIT */
/* Tests of engine/recover/owns_journals.c. */
#include "engine/recover/owns_journals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/state/journal.h"
#include "engine/state/journal_identity.h"
#include "engine/state/state_dir.h"
#include "qmp/json.h"
#include "tests/unit/identity_spaces.h"
#include "tests/unit/remove_tree.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

enum { ALICE = 4301 };

static char root[40];
static struct moved moved;
static struct owns_journals asked;

static int setup(void **s)
{
	AUTO_FREE char *runs = NULL;

	(void)s;
	strcpy(root, "/tmp/owns-journals-XXXXXX");
	if (!mkdtemp(root))
		return -1;
	runs = state_dir_runs(root);
	return mkdir(runs, 0700);
}

static int teardown(void **s)
{
	(void)s;
	moved_free(&moved);
	return remove_tree(root);
}

TEST_FIXTURE(setup, teardown);

/* Of a guest web1 of user @uid that left @from; ends with @last. */
static void put(const char *run, uid_t uid, const char *user,
		const struct identity_space *from, enum journal_record last)
{
	AUTO_FREE char *dir = state_dir_run(root, run);
	AUTO_FREE char *path = state_dir_journal(root, run);
	struct json_object *o = json_add_str(json_new(), "key", "web1");
	struct journal *j;

	assert_int_equal(mkdir(dir, 0700), 0);
	j = journal_create(path, NULL);
	assert_non_null(j);
	o = json_add_str(o, "guest", "web1");
	o = json_add_str(o, "user", user);
	o = json_add_u64(o, "uid", uid);
	o = json_add_str(o, "destination", "root@hostb");
	o = journal_identity_put(o, JOURNAL_SOURCE, from, NULL);
	o = journal_identity_put(o, JOURNAL_DESTINATION, &there, NULL);
	assert_int_equal(journal_append(j, JOURNAL_BEGIN, o, NULL), 0);
	if (last != JOURNAL_BEGIN)
		assert_int_equal(journal_append(j, last, NULL, NULL), 0);
	journal_close(j);
}

static enum owns_answer ask(const char *word, enum guest_meant match)
{
	AUTO_ERR struct err why = { 0 };
	enum owns_answer answer;

	moved_free(&moved);
	asked = (struct owns_journals){
		.state = root,
		.word = word,
		.here = &here,
		.match = match,
		.moved = &moved,
	};
	answer = owns_journals_look(&asked, &why);
	assert_int_equal(answer == OWNS_UNDECIDED, why.kind != ERR_NONE);
	return answer;
}

TEST(without_journals_it_is_here)
{
	AUTO_FREE char *runs = state_dir_runs(root);

	assert_int_equal(ask("web1", GUEST_MEANT), OWNS_HERE);
	assert_int_equal(rmdir(runs), 0);
	assert_int_equal(ask("web1", GUEST_MEANT), OWNS_HERE);
	assert_false(asked.own);
}

TEST(an_unfinished_run_leaves_it_undecided)
{
	put("run-1", geteuid(), "me", &here, JOURNAL_PREP);
	assert_int_equal(ask("web1", GUEST_MEANT), OWNS_UNDECIDED);
	assert_true(asked.own);
	assert_int_equal(ask("web2", GUEST_MEANT), OWNS_HERE);
}

TEST(seen_running_on_the_destination_it_has_moved)
{
	put("run-1", geteuid(), "me", &here, JOURNAL_DESTRUN);
	assert_int_equal(ask("web1", GUEST_MEANT), OWNS_MOVED);
	assert_string_equal(moved.run, "run-1");
	assert_string_equal(moved.destination, "root@hostb");
	assert_int_equal(moved.uid, geteuid());
}

TEST(a_run_that_has_ended_says_nothing)
{
	put("run-1", geteuid(), "me", &here, JOURNAL_ABORTED);
	assert_int_equal(ask("web1", GUEST_MEANT), OWNS_HERE);
}

TEST(another_machines_run_says_nothing)
{
	put("run-1", geteuid(), "me", &there, JOURNAL_PREP);
	assert_int_equal(ask("web1", GUEST_MEANT), OWNS_HERE);
}

TEST(another_users_guest_counts_where_it_may)
{
	put("run-1", ALICE, "alice", &here, JOURNAL_DESTRUN);
	assert_int_equal(ask("web1", GUEST_MEANT), OWNS_HERE);
	assert_false(asked.own);
	assert_int_equal(ask("web1", GUEST_MEANT_MAYBE), OWNS_MOVED);
	assert_int_equal(moved.uid, ALICE);
	assert_int_equal(ask("alice/web1", GUEST_MEANT), OWNS_MOVED);
	assert_int_equal(ask("bob/web1", GUEST_MEANT), OWNS_HERE);
}

TEST(one_that_cannot_be_read_may_be_about_it)
{
	AUTO_FREE char *path = state_dir_journal(root, "run-1");
	FILE *f;

	put("run-1", geteuid(), "me", &here, JOURNAL_ABORTED);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs("no journal\n", f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(ask("web2", GUEST_MEANT), OWNS_UNDECIDED);
}
