/* SPDX-License-Identifier: MIT */
/* Tests of transport/base/lockfile.c. */
#include "transport/base/lockfile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/in_task.h"
#include "tests/unit/remove_tree.h"
#include "tests/unit/test.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

static char dir[64], path[96];

/* --- fstatfs(2), as on a file system of another kind ---------------------- */

static long fake_fs_type; /* 0: none */

int fstatfs(int fd, struct statfs *fs)
{
	if (!fake_fs_type)
		return (int)syscall(SYS_fstatfs, fd, fs);
	*fs = (struct statfs){ .f_type = fake_fs_type };
	return 0;
}

/* --- flock(2), with something that happens a moment before it ------------- */

static void (*before_flock)(void); /* once; NULL: nothing */

int flock(int fd, int op)
{
	void (*happens)(void) = STEAL(before_flock);

	if (happens)
		happens();
	return (int)syscall(SYS_flock, fd, op);
}

static int make_dir(void **state)
{
	(void)state;
	fake_fs_type = 0;
	snprintf(dir, sizeof(dir), "/tmp/lockfile-test.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/lock", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	return remove_tree(dir);
}

TEST_FIXTURE(make_dir, remove_dir);

static int open_file(void)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}

static void assert_busy(int rc)
{
	assert_int_equal(rc, -1);
	assert_int_equal(errno, EWOULDBLOCK);
}

/* --- another process ------------------------------------------------------ */

static bool take_as_before(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

static bool take(int fd)
{
	return lockfile_take(fd) == 0;
}

/* A process that holds the lock until it is killed. */
static pid_t start_holder(bool (*by)(int fd))
{
	int ready[2];
	char c = 0;
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

		if (fd < 0 || !by(fd) || write(ready[1], "+", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close_fd(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close_fd(ready[0]);
	return pid;
}

static void kill_holder(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void one_holds_it_until_killed(bool (*by)(int fd))
{
	pid_t holder = start_holder(by);
	AUTO_FD int fd = open_file();

	assert_true(lockfile_is_held(fd));
	assert_true(lockfile_is_held_at(path));
	assert_busy(lockfile_take(fd));
	assert_false(lockfile_bar(fd, path));
	/* none of that took it away */
	assert_true(lockfile_is_held(fd));
	kill_holder(holder);
	assert_false(lockfile_is_held(fd));
	assert_int_equal(lockfile_take(fd), 0);
}

TEST(a_holder_has_it_until_it_crashes)
{
	one_holds_it_until_killed(take);
}

TEST(a_version_before_that_holds_it_is_noticed)
{
	one_holds_it_until_killed(take_as_before);
}

TEST(a_version_before_notices_who_holds_it)
{
	AUTO_FD int fd = open_file();
	AUTO_FD int before = open_file();

	assert_int_equal(lockfile_take(fd), 0);
	assert_busy(flock(before, LOCK_EX | LOCK_NB));
	assert_busy(flock(before, LOCK_SH | LOCK_NB));
	close_fd(steal_fd(&fd));
	assert_int_equal(flock(before, LOCK_EX | LOCK_NB), 0);
}

TEST(who_has_but_part_of_it_gives_that_back)
{
	AUTO_FD int before = open_file();
	AUTO_FD int first = open_file();
	AUTO_FD int second = open_file();

	assert_true(take_as_before(before));
	assert_busy(lockfile_take(first));
	close_fd(steal_fd(&before));
	assert_int_equal(lockfile_take(second), 0);
}

TEST(a_child_that_has_the_descriptor_holds_it_too)
{
	int fd = open_file();
	pid_t pid;

	assert_int_equal(lockfile_take(fd), 0);
	pid = fork();
	if (!pid) {
		for (;;)
			pause();
	}
	close_fd(fd);
	assert_true(lockfile_is_held_at(path));
	kill_holder(pid);
	assert_false(lockfile_is_held_at(path));
}

/* There flock(2) is a lock of the range, and would meet our own. */
TEST(where_both_kinds_are_one_the_flock_is_left_out)
{
	static const long types[] = { NFS_SUPER_MAGIC, SMB_SUPER_MAGIC,
				      CIFS_SUPER_MAGIC, SMB2_SUPER_MAGIC };
	AUTO_FD int before = open_file();

	assert_true(take_as_before(before));
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		AUTO_FD int fd = open_file();
		AUTO_FD int other = open_file();

		fake_fs_type = types[i];
		assert_false(lockfile_is_held(other));
		assert_int_equal(lockfile_take(fd), 0);
		assert_true(lockfile_is_held(other));
		close_fd(steal_fd(&fd));
		assert_true(lockfile_bar(other, path));
	}
}

/* --- looking -------------------------------------------------------------- */

TEST(no_file_is_not_held)
{
	assert_false(lockfile_is_held_at(path));
	assert_int_equal(access(path, F_OK), -1);
}

TEST(looking_takes_nothing_and_needs_no_right_to_write)
{
	AUTO_FD int fd = open_file();
	AUTO_FD int looks = open(path, O_RDONLY | O_CLOEXEC);

	for (int i = 0; i < 3; i++) {
		assert_false(lockfile_is_held(looks));
		assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
		assert_int_equal(flock(fd, LOCK_UN), 0);
	}
	assert_int_equal(lockfile_take(fd), 0);
	assert_true(lockfile_is_held(looks));
}

TEST(one_who_looks_again_and_again_keeps_nobody_from_it)
{
	pid_t looks;

	close_fd(open_file());
	looks = fork();
	if (!looks) {
		for (;;)
			(void)lockfile_is_held_at(path);
	}
	for (int i = 0; i < 5000; i++) {
		AUTO_FD int fd = open_file();

		assert_int_equal(lockfile_take(fd), 0);
	}
	kill_holder(looks);
}

TEST(who_meets_a_look_still_shuts_a_version_before_out)
{
	AUTO_FD int looks = open_file();
	AUTO_FD int fd = open_file();
	AUTO_FD int before = open_file();

	assert_int_equal(flock(looks, LOCK_SH | LOCK_NB), 0);
	assert_int_equal(lockfile_take(fd), 0);
	assert_int_equal(flock(looks, LOCK_UN), 0);
	assert_false(take_as_before(before));
	assert_true(lockfile_is_held(before));
}

/* --- removing ------------------------------------------------------------- */

TEST(a_barred_file_is_not_held_and_cannot_be_taken)
{
	AUTO_FD int removes = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
	AUTO_FD int fd = open_file();

	assert_true(lockfile_bar(removes, path));
	assert_false(lockfile_is_held(fd));
	assert_busy(lockfile_take(fd));
	assert_false(take_as_before(fd));
	close_fd(steal_fd(&removes));
	assert_int_equal(lockfile_take(fd), 0);
}

static int moment_fd;

static void comes_to_remove_it(void)
{
	assert_true(lockfile_bar(moment_fd, path));
}

static void comes_to_hold_it(void)
{
	assert_int_equal(lockfile_take(moment_fd), 0);
}

static void an_earlier_version_comes(void)
{
	assert_true(take_as_before(moment_fd));
}

static bool is_held_after(void (*happens)(void))
{
	AUTO_FD int other = open_file();
	AUTO_FD int looks = open_file();
	bool held;

	moment_fd = other;
	before_flock = happens;
	held = lockfile_is_held(looks);
	assert_null(before_flock);
	return held;
}

TEST(one_who_comes_to_remove_it_is_not_taken_for_a_holder)
{
	assert_false(is_held_after(comes_to_remove_it));
	assert_true(is_held_after(comes_to_hold_it));
	assert_true(is_held_after(an_earlier_version_comes));
}

static bool was_held;

static void looks_again(void)
{
	was_held = lockfile_is_held(moment_fd);
}

static void looks_before_the_next(void)
{
	before_flock = looks_again;
}

/* Its two locks are given back in an order in which nobody misreads them. */
TEST(one_who_gives_up_removing_it_is_not_taken_for_a_holder)
{
	AUTO_FD int removes = open_file();
	AUTO_FD int looks = open_file();

	assert_int_equal(unlink(path), 0);
	moment_fd = looks;
	/* at the first flock, it is set to happen at the second */
	before_flock = looks_before_the_next;
	assert_false(lockfile_bar(removes, path));
	assert_null(before_flock);
	assert_false(was_held);
}

TEST(a_file_that_lost_its_name_is_not_barred)
{
	AUTO_FD int fd = open_file();
	AUTO_FD int other = -1;

	assert_true(lockfile_is_still(fd, path));
	assert_int_equal(unlink(path), 0);
	assert_false(lockfile_is_still(fd, path));
	assert_false(lockfile_bar(fd, path));
	other = open_file();
	assert_false(lockfile_is_still(fd, path));
	assert_false(lockfile_bar(fd, path));
	assert_int_equal(lockfile_take(fd), 0);
	assert_true(lockfile_bar(other, path));
}

/* --- waiting -------------------------------------------------------------- */

static void remove_and_close(void *arg)
{
	int *fd = arg;

	assert_int_equal(unlink(path), 0);
	close_fd(steal_fd(fd));
}

/* @fd is closed, and its file removed, once this task waits. */
static int open_while_it_goes(int *fd, struct err *err)
{
	struct task *t =
		task_start(task_loop(), "remove", remove_and_close, fd);
	int got = lockfile_open(path, err);

	task_join(t);
	return got;
}

IN_TASK(the_file_of_a_holder_that_removed_it_is_made_anew)
{
	int fd = open_file();
	AUTO_ERR struct err err = { 0 };
	AUTO_FD int got = -1;

	assert_int_equal(lockfile_take(fd), 0);
	got = open_while_it_goes(&fd, &err);
	if (got < 0)
		fail_with_err(&err);
	assert_true(lockfile_is_still(got, path));
	assert_true(lockfile_is_held_at(path));
}

IN_TASK(the_file_that_was_just_cleaned_up_is_made_anew)
{
	int fd = open_file();
	AUTO_ERR struct err err = { 0 };
	AUTO_FD int got = -1;

	assert_true(lockfile_bar(fd, path));
	got = open_while_it_goes(&fd, &err);
	if (got < 0)
		fail_with_err(&err);
	assert_true(lockfile_is_still(got, path));
	assert_true(lockfile_is_held_at(path));
}

IN_TASK(a_lock_that_is_held_is_busy)
{
	AUTO_FD int fd = open_file();
	AUTO_FD int other = open_file();
	AUTO_ERR struct err err = { 0 };

	assert_int_equal(lockfile_take(fd), 0);
	assert_int_equal(lockfile_open(path, &err), -1);
	expect_err_kind(&err, ERR_BUSY, path);
	assert_int_equal(lockfile_wait(other, path, mono_now(), &err), -1);
	expect_err_kind(&err, ERR_BUSY, path);
}

IN_TASK(a_link_is_not_followed)
{
	AUTO_FREE char *target = xasprintf("%s/target", dir);
	AUTO_ERR struct err err = { 0 };

	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(lockfile_open(path, &err), -1);
	expect_err_kind(&err, ERR_SYSTEM, path);
	assert_int_equal(access(target, F_OK), -1);
}

static void cancel(void *arg)
{
	task_cancel(arg);
}

IN_TASK(a_cancel_ends_the_wait)
{
	AUTO_FD int fd = open_file();
	AUTO_FD int other = open_file();
	AUTO_ERR struct err err = { 0 };
	struct task *t;

	assert_int_equal(lockfile_take(fd), 0);
	t = task_start(task_loop(), "cancel", cancel, task_self());
	assert_int_equal(lockfile_wait(other, path, MONO_NEVER, &err), -1);
	expect_err_kind(&err, ERR_CANCELLED, "");
	task_join(t);
}

/* --- directories ---------------------------------------------------------- */

TEST(a_directory_is_locked_with_flock_alone)
{
	AUTO_FD int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_FD int other = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_false(lockfile_is_held(other));
	assert_int_equal(lockfile_take(fd), 0);
	assert_true(lockfile_is_held(other));
	assert_busy(lockfile_take(other));
	assert_busy(flock(other, LOCK_SH | LOCK_NB));
	close_fd(steal_fd(&fd));
	assert_int_equal(lockfile_take(other), 0);
}
