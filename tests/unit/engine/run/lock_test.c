/* SPDX-License-Identifier: MIT */
/* Tests of engine/run/lock.c: whose lock it is. */
#include "engine/run/lock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/run/migrate_options.h"
#include "engine/run/run.h"
#include "engine/state/state_dir.h"
#include "tests/unit/in_task.h"
#include "tests/unit/remove_tree.h"
#include "transport/base/lockfile.h"
#include "transport/base/xalloc.h"

#define KEY "11111111-2222-3333-4444-555555555555"

enum { ALICE = 4242 };

static char root[40];
static const struct migrate_options options = { .destination = "hostb" };

static int setup(void **state)
{
	(void)state;
	strcpy(root, "/tmp/lock-test-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return remove_tree(root);
}

TEST_FIXTURE(setup, teardown);

/* Of a run that root drives for user @uid. */
static struct run open_run(uid_t uid)
{
	return (struct run){
		.opt = &options,
		.id = { "run-1", xstrdup(uid ? KEY "-u4242" : KEY) },
		.held.lock_fd = -1,
		.source.guest = { .name = xstrdup("web1"), .uid = uid },
		.src.facts = { .run_root = root, .state_root = root },
	};
}

static void close_run(struct run *r)
{
	(void)lock_release(r, NULL);
	guest_free(&r->source.guest);
	free(r->id.key);
}

IN_TASK(guests_of_two_users_have_two_locks)
{
	struct run roots = open_run(0), alices = open_run(ALICE);
	struct run second = open_run(ALICE);
	AUTO_ERR struct err err = { 0 };

	assert_int_equal(lock_take(&roots, NULL), 0);
	assert_false(lock_is_held(&alices, alices.id.key));
	assert_int_equal(lock_take(&alices, NULL), 0);
	assert_true(lock_is_held(&roots, roots.id.key));
	assert_true(lock_is_held(&second, second.id.key));
	assert_int_equal(lock_take(&second, &err), -1);
	assert_int_equal(err.kind, ERR_BUSY);
	close_run(&second);
	close_run(&alices);
	close_run(&roots);
}

/* As a lock without a user is signed by an earlier version. */
static int hold_early(void)
{
	AUTO_FREE char *dir = state_dir_locks(root);
	AUTO_FREE char *path = state_dir_lock(root, KEY);
	static const char text[] = "by=engine\nrun=run-9\nguest=web1\n"
				   "role=source\ndestination=x\npid=1\n";
	FILE *f;
	int fd;

	assert_int_equal(state_dir_make_in_root(root, dir, NULL), 0);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	fd = lockfile_open(path, NULL);
	assert_true(fd >= 0);
	return fd;
}

IN_TASK(an_earlier_version_is_noticed)
{
	struct run r = open_run(ALICE);
	AUTO_ERR struct err err = { 0 };
	int fd = hold_early();

	assert_true(lock_is_held(&r, r.id.key));
	assert_int_equal(lock_take(&r, &err), -1);
	assert_int_equal(err.kind, ERR_BUSY);
	close_fd(fd);
	assert_false(lock_is_held(&r, r.id.key));
	assert_int_equal(lock_take(&r, NULL), 0);
	close_run(&r);
}
