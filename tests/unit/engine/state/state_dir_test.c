/* SPDX-License-Identifier: MIT */
/* Tests of engine/state/state_dir.c. */
#include "engine/state/state_dir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/remove_tree.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static char root[64];

static int make_root(void **state)
{
	(void)state;
	snprintf(root, sizeof(root), "/tmp/state-dir-test.XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
	(void)state;
	return remove_tree(root);
}

TEST_FIXTURE(make_root, remove_root);

static int synced;

/* In place of the C library's. */
int fsync(int fd)
{
	(void)fd;
	synced++;
	return 0;
}

/* --- on disk ------------------------------------------------------------- */

TEST(each_new_directory_is_synced_where_it_is_new)
{
	AUTO_FREE char *path = xasprintf("%s/a/b/c", root);

	synced = 0;
	assert_int_equal(state_dir_make(path, NULL), 0);
	assert_int_equal(synced, 3);
	synced = 0;
	assert_int_equal(state_dir_make(path, NULL), 0);
	assert_int_equal(synced, 0);
}

/* --- names --------------------------------------------------------------- */

static void assert_path(char *made, const char *expected)
{
	assert_string_equal(made, expected);
	free(made);
}

/* An older or a newer vmferry finds there what this one wrote. */
TEST(the_state_directory_has_its_layout)
{
	assert_path(state_dir_runs("/s"), "/s/runs");
	assert_path(state_dir_run("/s", "run-1"), "/s/runs/run-1");
	assert_path(state_dir_journal("/s", "run-1"), "/s/runs/run-1/journal");
	assert_path(state_dir_recordings("/s"), "/s/recordings");
	assert_path(state_dir_lessons("/s"), "/s/pairs");
}

TEST(the_run_root_has_its_layout)
{
	assert_path(state_dir_locks("/r"), "/r/locks");
	assert_path(state_dir_lock("/r", "key"), "/r/locks/key");
	assert_path(state_dir_queue("/r"), "/r/queue");
	assert_path(state_dir_tokens("/r"), "/r/tokens");
	assert_path(state_dir_token("/r", "run-1", "source"),
		    "/r/tokens/run-1-source");
	assert_path(state_dir_arrival("/r", "key"), "/r/in-key");
	assert_path(state_dir_guest("/r", "run-1"), "/r/run-1");
}

TEST(a_name_leads_nowhere_else)
{
	AUTO_FREE char *lock = state_dir_lock("/r", "../../tmp/fifo");

	assert_memory_equal(lock, "/r/locks/x-", 11);
	assert_null(strchr(lock + 11, '/'));
}

TEST(a_guest_s_directory_is_directly_below_the_root)
{
	assert_true(state_dir_is_guest("/r", "/r/run-1"));
	assert_false(state_dir_is_guest("/r", "/r/run-1/run-2"));
	assert_false(state_dir_is_guest("/r", "/r/in-key"));
	assert_false(state_dir_is_guest("/r", "/rr/run-1"));
	assert_false(state_dir_is_guest("/r", "/tmp/run-1"));
}

/* --- making -------------------------------------------------------------- */

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

TEST(every_missing_part_is_made_for_its_user_alone)
{
	AUTO_FREE char *a = xasprintf("%s/a", root);
	AUTO_FREE char *b = xasprintf("%s/a/b", root);

	assert_int_equal(state_dir_make(b, NULL), 0);
	assert_int_equal(mode_of(a), 0700);
	assert_int_equal(mode_of(b), 0700);
	assert_int_equal(state_dir_make(b, NULL), 0);
}

TEST(a_path_of_one_part_is_made)
{
	AUTO_FREE char *before = getcwd(NULL, 0);

	assert_non_null(before);
	assert_int_equal(chdir(root), 0);
	errno = 0;
	assert_int_equal(state_dir_make("one", NULL), 0);
	assert_int_equal(mode_of("one"), 0700);
	assert_int_equal(chdir(before), 0);
}

TEST(what_cannot_be_made_is_named)
{
	AUTO_ERR struct err err = { 0 };

	assert_int_equal(state_dir_make("/proc/nothing/runs", &err), -1);
	assert_int_equal(err.kind, ERR_SYSTEM);
	assert_non_null(strstr(err.message, "cannot make /proc/nothing"));
}

static void passes_with_umask(mode_t mask)
{
	AUTO_FREE char *r = xasprintf("%s/root-%o", root, (unsigned int)mask);
	AUTO_FREE char *locks = state_dir_locks(r);
	mode_t before = umask(mask);

	assert_int_equal(state_dir_make_in_root(r, locks, NULL), 0);
	assert_int_equal(state_dir_make_in_root(r, locks, NULL), 0);
	umask(before);
	assert_int_equal(mode_of(r), 0711);
	assert_int_equal(mode_of(locks), 0700);
}

TEST(others_pass_through_the_root_and_no_further)
{
	passes_with_umask(0);
	passes_with_umask(077);
}

/* --- trusting ------------------------------------------------------------ */

static bool is_trusted(const char *dir)
{
	AUTO_ERR struct err err = { 0 };

	if (state_dir_trust(dir, &err) == 0)
		return true;
	assert_int_equal(err.kind, ERR_SYSTEM);
	return false;
}

TEST(what_others_may_write_to_is_not_trusted)
{
	AUTO_FREE char *runs = state_dir_runs(root);

	assert_int_equal(state_dir_make(runs, NULL), 0);
	assert_true(is_trusted(runs));
	assert_int_equal(chmod(runs, 0770), 0);
	assert_false(is_trusted(runs));
	assert_int_equal(chmod(runs, 0702), 0);
	assert_false(is_trusted(runs));
	assert_int_equal(chmod(runs, 0700), 0);
	assert_int_equal(chmod(root, 0777), 0);
	assert_false(is_trusted(runs));
	/* nobody replaces another's entry there */
	assert_int_equal(chmod(root, 01777), 0);
	assert_true(is_trusted(runs));
}

/* As nobody, where root runs the test; else what root owns is /usr/bin. */
TEST(what_root_owns_is_trusted_and_what_a_stranger_owns_is_not)
{
	AUTO_FREE char *runs = state_dir_runs(root);

	if (geteuid() != 0) {
		assert_true(is_trusted("/usr/bin"));
		return;
	}
	assert_int_equal(state_dir_make(runs, NULL), 0);
	assert_int_equal(chmod(root, 0755), 0);
	assert_int_equal(seteuid(65534), 0);
	assert_true(is_trusted(runs));
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(chown(runs, 65533, 65533), 0);
	assert_false(is_trusted(runs));
	assert_int_equal(seteuid(65534), 0);
	assert_false(is_trusted(runs));
	assert_int_equal(seteuid(0), 0);
}

TEST(a_link_or_a_file_is_not_trusted)
{
	AUTO_FREE char *runs = state_dir_runs(root);
	FILE *f;

	assert_false(is_trusted(runs));
	assert_int_equal(symlink(root, runs), 0);
	assert_false(is_trusted(runs));
	assert_int_equal(unlink(runs), 0);
	f = fopen(runs, "w");
	assert_non_null(f);
	assert_int_equal(fclose(f), 0);
	assert_false(is_trusted(runs));
}

/* The administrator may have put the state elsewhere. */
TEST(the_state_directory_itself_may_be_a_link)
{
	AUTO_FREE char *real = xasprintf("%s/real/runs", root);
	AUTO_FREE char *link = xasprintf("%s/link", root);
	AUTO_FREE char *runs = state_dir_runs(link);

	assert_int_equal(state_dir_make(real, NULL), 0);
	assert_int_equal(symlink("real", link), 0);
	assert_true(is_trusted(runs));
}

/* --- removing ------------------------------------------------------------ */

TEST(a_run_s_directory_goes_only_when_nothing_else_is_in_it)
{
	AUTO_FREE char *dir = state_dir_run(root, "run-1");
	AUTO_FREE char *journal = state_dir_journal(root, "run-1");
	AUTO_FREE char *other = xasprintf("%s/other", dir);

	assert_int_equal(state_dir_make(dir, NULL), 0);
	assert_int_equal(symlink("x", journal), 0);
	assert_int_equal(symlink("x", other), 0);
	state_dir_remove_run(dir);
	assert_int_equal(readlink(journal, (char[8]){ 0 }, 8), -1);
	assert_int_equal(readlink(other, (char[8]){ 0 }, 8), 1);
	assert_int_equal(unlink(other), 0);
	state_dir_remove_run(dir);
	assert_int_equal(access(dir, F_OK), -1);
}
