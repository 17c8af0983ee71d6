/* SPDX-License-Identifier: MIT */
/* Tests of engine/state/moved_user.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/state/moved_user.h"
#include "engine/state/state_dir.h"
#include "tests/unit/remove_tree.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

enum { ALICE = 4242, BOB = 4243 };

static char home[40];
static struct local_user user;
static struct moved got;

static char *below(const char *path)
{
	return xasprintf("%s/%s", home, path);
}

static void own(const char *path, uid_t uid)
{
	AUTO_FREE char *full = below(path);

	assert_int_equal(lchown(full, uid, uid), 0);
}

static void make_directory(const char *path, uid_t uid)
{
	AUTO_FREE char *full = below(path);

	assert_int_equal(mkdir(full, 0755), 0);
	own(path, uid);
}

/* A home with a directory for marks. */
static int setup(void **s)
{
	static const char *const all[] = { ".local", ".local/state",
					   ".local/state/vmferry",
					   moved_user_away };

	(void)s;
	strcpy(home, "/tmp/moved-user-XXXXXX");
	if (!mkdtemp(home))
		return -1;
	user = (struct local_user){ .uid = geteuid() ? geteuid() : ALICE,
				    .name = (char *)"alice",
				    .home = home };
	if (chown(home, user.uid, (gid_t)-1) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		make_directory(all[i], user.uid);
	return 0;
}

static int teardown(void **s)
{
	(void)s;
	moved_free(&got);
	return remove_tree(home);
}

TEST_FIXTURE(setup, teardown);

static char *mark_path(const char *run)
{
	return xasprintf("%s/%s", moved_user_away, run);
}

static void put(const char *run, const char *guest, uid_t uid, const char *name)
{
	AUTO_FREE char *path = mark_path(run);
	AUTO_FREE char *full = below(path);
	FILE *f = fopen(full, "w");

	assert_non_null(f);
	assert_true(fprintf(f,
			    MOVED_FIRST_LINE
			    "run=%s\nguest=%s\nkey=%s\nuuid=\nuser=%s\n"
			    "source=hosta\ndestination=hostb\nleaving=0\n"
			    "uid=%u\nmoved=100\n",
			    run, guest, guest, name, (unsigned int)uid) > 0);
	assert_int_equal(fclose(f), 0);
	own(path, user.uid);
}

static int find(const char *word)
{
	AUTO_ERR struct err e = { 0 };
	int found;

	moved_free(&got);
	found = moved_user_find(&user, word, &got, &e);
	assert_int_equal(found < 0, e.kind != ERR_NONE);
	return found;
}

TEST(a_users_mark_is_found)
{
	put("run-1", "web1", user.uid, "alice");
	assert_int_equal(find("alice/web1"), 1);
	assert_string_equal(got.run, "run-1");
	assert_string_equal(got.destination, "hostb");
	assert_int_equal(find("web1"), 1);
	assert_int_equal(find("alice/web2"), 0);
}

TEST(without_a_directory_there_are_none)
{
	user.home = (char *)"/nonexistent";
	assert_int_equal(find("alice/web1"), 0);
	user.home = (char *)"/dev/null";
	assert_int_equal(find("alice/web1"), 0);
	user.home = (char *)"/proc";
	assert_int_equal(find("alice/web1"), 0);
}

TEST(it_counts_for_that_users_guests_alone)
{
	put("run-1", "web1", BOB, "bob");
	put("run-2", "web2", 0, "root");
	for (size_t i = 1; i <= 2; i++) {
		AUTO_FREE char *name = xasprintf("web%zu", i);
		AUTO_FREE char *hers = xasprintf("alice/%s", name);
		AUTO_FREE char *bobs = xasprintf("bob/%s", name);
		AUTO_FREE char *roots = xasprintf("root/%s", name);

		assert_int_equal(find(name), 0);
		assert_int_equal(find(hers), 0);
		assert_int_equal(find(bobs), 0);
		assert_int_equal(find(roots), 0);
	}
}

TEST(the_name_in_it_makes_nobody_its_user)
{
	put("run-1", "web1", user.uid, "bob");
	assert_int_equal(find("bob/web1"), 0);
	assert_int_equal(find("alice/web1"), 1);
	assert_string_equal(got.user, "alice");
}

TEST(a_file_of_somebody_elses_is_an_error)
{
	AUTO_FREE char *path = mark_path("run-1");

	if (geteuid())
		skip();
	put("run-1", "web1", user.uid, "alice");
	own(path, BOB);
	assert_int_equal(find("alice/web1"), -1);
	own(path, 0);
	assert_int_equal(find("alice/web1"), -1);
}

TEST(a_directory_of_somebody_elses_is_an_error)
{
	static const char *const all[] = { ".local", ".local/state",
					   ".local/state/vmferry",
					   moved_user_away };

	if (geteuid())
		skip();
	put("run-1", "web1", user.uid, "alice");
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		own(all[i], BOB);
		assert_int_equal(find("alice/web1"), -1);
		own(all[i], user.uid);
	}
	assert_int_equal(find("alice/web1"), 1);
}

TEST(a_directory_that_others_write_to_is_an_error)
{
	static const char *const all[] = { ".local/state/vmferry",
					   moved_user_away };

	put("run-1", "web1", user.uid, "alice");
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		AUTO_FREE char *path = below(all[i]);

		assert_int_equal(chmod(path, 0775), 0);
		assert_int_equal(find("alice/web1"), -1);
		assert_int_equal(chmod(path, 0711), 0);
	}
	assert_int_equal(find("alice/web1"), 1);
}

TEST(no_link_is_followed)
{
	static const char *const all[] = { ".local/state", moved_user_away };

	put("run-1", "web1", user.uid, "alice");
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		AUTO_FREE char *path = below(all[i]);
		AUTO_FREE char *aside = below("aside");

		assert_int_equal(rename(path, aside), 0);
		assert_int_equal(symlink(aside, path), 0);
		own(all[i], user.uid);
		assert_int_equal(find("alice/web1"), -1);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(rename(aside, path), 0);
	}
	assert_int_equal(find("alice/web1"), 1);
}

TEST(a_mark_that_is_a_link_or_a_pipe_is_an_error)
{
	AUTO_FREE char *link_mark = mark_path("run-2");
	AUTO_FREE char *first_mark = mark_path("run-1");
	AUTO_FREE char *link = below(link_mark);
	AUTO_FREE char *first = below(first_mark);

	put("run-1", "web1", user.uid, "alice");
	assert_int_equal(symlink(first, link), 0);
	own(link_mark, user.uid);
	assert_int_equal(find("alice/web1"), -1);
	assert_int_equal(unlink(link), 0);
	/* nobody waits for a writer */
	assert_int_equal(mkfifo(link, 0644), 0);
	own(link_mark, user.uid);
	assert_int_equal(find("alice/web1"), -1);
}

TEST(there_may_not_be_any_number_of_marks)
{
	for (int i = 0; i < 4097; i++) {
		AUTO_FREE char *run = xasprintf("run-%d", i);

		put(run, "web1", user.uid, "alice");
	}
	assert_int_equal(find("alice/web1"), -1);
}
