/* SPDX-License-Identifier: MIT */
/* Tests of engine/state/recording.c. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/state/journal.h"
#include "engine/state/recording.h"
#include "tests/unit/in_task.h"
#include "tests/unit/remove_tree.h"
#include "transport/base/lockfile.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

/* --- write(2), as a bad disk would have it ------------------------------- */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t change;
	bool hangs;
	int refusals;	   /* writes that fail yet, with ENOSPC */
	size_t write_most; /* bytes that one write takes, 0: all */
} disk = { .lock = PTHREAD_MUTEX_INITIALIZER,
	   .change = PTHREAD_COND_INITIALIZER };

ssize_t write(int fd, const void *data, size_t len)
{
	bool refused;

	pthread_mutex_lock(&disk.lock);
	while (disk.hangs)
		pthread_cond_wait(&disk.change, &disk.lock);
	refused = disk.refusals > 0;
	disk.refusals -= refused;
	pthread_cond_broadcast(&disk.change);
	if (disk.write_most && len > disk.write_most)
		len = disk.write_most;
	pthread_mutex_unlock(&disk.lock);
	if (refused) {
		errno = ENOSPC;
		return -1;
	}
	return syscall(SYS_write, fd, data, len);
}

static void set_hangs(bool hangs)
{
	pthread_mutex_lock(&disk.lock);
	disk.hangs = hangs;
	pthread_cond_broadcast(&disk.change);
	pthread_mutex_unlock(&disk.lock);
}

static void refuse(int times)
{
	pthread_mutex_lock(&disk.lock);
	disk.refusals = times;
	pthread_mutex_unlock(&disk.lock);
}

static void await_refusals(void)
{
	pthread_mutex_lock(&disk.lock);
	while (disk.refusals)
		pthread_cond_wait(&disk.change, &disk.lock);
	pthread_mutex_unlock(&disk.lock);
}

/* --- helpers ------------------------------------------------------------- */

static char state_dir[64], dir[96], path[128];

static int make_dir(void **state)
{
	(void)state;
	refuse(0);
	disk.write_most = 0;
	snprintf(state_dir, sizeof(state_dir), "/tmp/recording-test.XXXXXX");
	if (!mkdtemp(state_dir))
		return -1;
	snprintf(dir, sizeof(dir), "%s/recordings", state_dir);
	snprintf(path, sizeof(path), "%s/run-1.jsonl", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	return remove_tree(state_dir);
}

TEST_FIXTURE(make_dir, remove_dir);

static void begin(struct recording *r)
{
	struct err err = { 0 };

	if (recording_begin(r, state_dir, &err) < 0)
		fail_with_err(&err);
}

static void detach(struct recording *r)
{
	struct err err = { 0 };

	if (recording_detach(r, &err) < 0)
		fail_with_err(&err);
}

static void assert_file(const char *expected)
{
	char text[4096];
	AUTO_FD int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	assert_true(n >= 0);
	text[n] = '\0';
	assert_string_equal(text, expected);
}

static bool is_held(void)
{
	AUTO_FD int fd = open(path, O_RDONLY);

	assert_true(fd >= 0);
	return lockfile_is_held(fd);
}

/* An old recording, @age_s seconds old; the larger the older. */
static char *add_old(const char *name, int age_s, off_t bytes)
{
	char *file = xasprintf("%s/%s", dir, name);
	struct timespec times[2] = { { 0, 0 }, { 1700000000 - age_s, 0 } };
	AUTO_FD int fd = open(file, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, bytes), 0);
	assert_int_equal(futimens(fd, times), 0);
	return file;
}

static void add_many(int from, int n)
{
	for (int i = from; i < from + n; i++) {
		AUTO_FREE char *name = xasprintf("run-old%d.jsonl", i);

		free(add_old(name, i, 1));
	}
}

static bool exists(const char *fmt, int i)
{
	AUTO_FREE char *name = NULL;
	AUTO_FREE char *file = NULL;

	/* the formats are in this file */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	name = xasprintf(fmt, i);
#pragma GCC diagnostic pop
	file = xasprintf("%s/%s", dir, name);
	return access(file, F_OK) == 0;
}

/* --- the file ------------------------------------------------------------ */

TEST(nothing_is_made_before_it_is_begun)
{
	struct recording *r = recording_new("run-1");

	recording_put(r, "{}", false);
	assert_int_not_equal(access(dir, F_OK), 0);
	recording_close(r);
}

TEST(what_was_put_before_is_in_front)
{
	struct recording *r = recording_new("run-1");

	recording_put(r, "{1}", false);
	begin(r);
	assert_file("{1}\n");
	recording_put(r, "{2}", false);
	assert_file("{1}\n{2}\n");
	recording_close(r);
}

TEST(file_and_directory_are_for_their_user_alone)
{
	struct recording *r = recording_new("run-1");
	mode_t before = umask(0);
	struct stat st;

	begin(r);
	(void)umask(before);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	recording_close(r);
}

static void assert_refused(const char *words)
{
	struct recording *r = recording_new("run-1");
	struct err err = { 0 };

	recording_put(r, "{}", false);
	assert_int_equal(recording_begin(r, state_dir, &err), -1);
	expect_err_kind(&err, ERR_SYSTEM, words);
	/* once is enough */
	recording_put(r, "{}", false);
	assert_int_equal(recording_begin(r, state_dir, &err), 0);
	assert_int_equal(recording_detach(r, &err), 0);
	assert_int_equal(recording_check(r, &err), 0);
	recording_close(r);
}

TEST(a_file_of_that_name_is_left_alone)
{
	assert_int_equal(mkdir(dir, 0700), 0);
	free(add_old("run-1.jsonl", 0, 0));
	assert_refused("File exists");
	assert_file("");
}

TEST(a_link_of_that_name_is_not_followed)
{
	AUTO_FREE char *target = xasprintf("%s/target", state_dir);

	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(symlink(target, path), 0);
	assert_refused("File exists");
	assert_int_not_equal(access(target, F_OK), 0);
}

TEST(a_link_in_place_of_the_directory_is_not_followed)
{
	assert_int_equal(symlink("/tmp", dir), 0);
	assert_refused("cannot be trusted");
}

TEST(a_directory_that_others_may_change_is_not_used)
{
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(chmod(dir, 0777), 0);
	assert_refused("cannot be trusted");
}

TEST(it_is_held_until_it_is_closed)
{
	struct recording *r = recording_new("run-1");

	begin(r);
	assert_true(is_held());
	recording_close(r);
	assert_false(is_held());
}

/* --- room ---------------------------------------------------------------- */

TEST(the_oldest_go_so_that_64_remain)
{
	struct recording *r = recording_new("run-1");

	assert_int_equal(mkdir(dir, 0700), 0);
	add_many(1, RECORDING_FILES + 1);
	begin(r);
	assert_true(exists("run-old%d.jsonl", RECORDING_FILES - 1));
	assert_false(exists("run-old%d.jsonl", RECORDING_FILES));
	assert_false(exists("run-old%d.jsonl", RECORDING_FILES + 1));
	recording_close(r);
}

TEST(the_oldest_go_so_that_256_MiB_remain)
{
	struct recording *r = recording_new("run-1");
	off_t bytes = (RECORDING_TOTAL_BYTES - RECORDING_FILE_BYTES) / 2;

	assert_int_equal(mkdir(dir, 0700), 0);
	free(add_old("run-old1.jsonl", 1, bytes));
	free(add_old("run-old2.jsonl", 2, bytes));
	free(add_old("run-old3.jsonl", 3, 1));
	begin(r);
	assert_true(exists("run-old%d.jsonl", 2));
	assert_false(exists("run-old%d.jsonl", 3));
	recording_close(r);
}

TEST(one_of_a_run_under_way_never_goes)
{
	struct recording *old = recording_new("run-old99");
	struct recording *r = recording_new("run-1");
	struct timespec times[2] = { { 0, 0 }, { 1, 0 } };
	AUTO_FREE char *file = xasprintf("%s/run-old99.jsonl", dir);

	begin(old);
	assert_int_equal(utimensat(AT_FDCWD, file, times, 0), 0);
	add_many(1, RECORDING_FILES);
	begin(r);
	assert_true(exists("run-old%d.jsonl", 99));
	assert_false(exists("run-old%d.jsonl", RECORDING_FILES));
	recording_close(old);
	recording_close(r);
}

/* Its journal has a record, and none that ends it. */
static void leave_unfinished(const char *run)
{
	AUTO_FREE char *runs = xasprintf("%s/runs", state_dir);
	AUTO_FREE char *run_dir = xasprintf("%s/%s", runs, run);
	AUTO_FREE char *journal = xasprintf("%s/journal", run_dir);
	struct journal *j;

	assert_int_equal(mkdir(runs, 0700), 0);
	assert_int_equal(mkdir(run_dir, 0700), 0);
	j = journal_create(journal, NULL);
	assert_non_null(j);
	assert_int_equal(journal_append(j, JOURNAL_BEGIN, NULL, NULL), 0);
	journal_close(j);
}

TEST(one_of_a_run_to_be_recovered_never_goes)
{
	struct recording *r = recording_new("run-1");

	assert_int_equal(mkdir(dir, 0700), 0);
	add_many(1, RECORDING_FILES + 1);
	leave_unfinished("run-old65");
	begin(r);
	assert_false(exists("run-old%d.jsonl", RECORDING_FILES));
	assert_true(exists("run-old%d.jsonl", RECORDING_FILES + 1));
	recording_close(r);
}

TEST(other_files_stay)
{
	struct recording *r = recording_new("run-1");

	assert_int_equal(mkdir(dir, 0700), 0);
	add_many(1, RECORDING_FILES);
	free(add_old("notes.txt", 1000, 1));
	free(add_old(".jsonl", 1000, 1));
	begin(r);
	assert_true(exists("notes.txt", 0));
	assert_true(exists(".jsonl", 0));
	recording_close(r);
}

TEST(samples_are_left_out_of_a_large_file)
{
	struct recording *r = recording_new("run-1");
	AUTO_FREE char *long_line = xcalloc(1, 1 << 20);
	struct stat before, after;

	memset(long_line, 'x', (1 << 20) - 1);
	begin(r);
	for (int i = 0; i <= RECORDING_FILE_BYTES >> 20; i++)
		recording_put(r, long_line, false);
	assert_int_equal(stat(path, &before), 0);
	recording_put(r, "{}", true);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_size, before.st_size);
	recording_put(r, "{}", false);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_size, before.st_size + 3);
	assert_int_equal(recording_check(r, NULL), 0);
	recording_close(r);
}

/* --- bad disks ----------------------------------------------------------- */

TEST(a_full_disk_is_reported_once)
{
	struct recording *r = recording_new("run-1");
	struct err err = { 0 };

	begin(r);
	refuse(2);
	recording_put(r, "{1}", false);
	assert_int_equal(recording_check(r, &err), -1);
	expect_err_kind(&err, ERR_SYSTEM, "No space left");
	recording_put(r, "{2}", false);
	assert_int_equal(recording_check(r, &err), 0);
	recording_close(r);
}

TEST(what_a_full_disk_refused_is_written_when_there_is_room)
{
	struct recording *r = recording_new("run-1");

	begin(r);
	refuse(1);
	recording_put(r, "{1}", false);
	assert_file("");
	disk.write_most = 1;
	recording_put(r, "{2}", false);
	assert_file("{1}\n{2}\n");
	recording_close(r);
}

TEST(whole_lines_are_dropped_when_too_many_wait)
{
	struct recording *r = recording_new("run-1");
	AUTO_FREE char *long_line = xcalloc(1, RECORDING_PENDING_BYTES);
	struct err err = { 0 };

	memset(long_line, 'x', RECORDING_PENDING_BYTES - 1);
	recording_put(r, "{1}", false);
	recording_put(r, long_line, false);
	/* that there is a file to name it by has to come first */
	assert_int_equal(recording_check(r, NULL), 0);
	begin(r);
	assert_file("{1}\n");
	assert_int_equal(recording_check(r, &err), -1);
	expect_err_kind(&err, ERR_SYSTEM, "not all events");
	recording_close(r);
}

/* --- adding to one ------------------------------------------------------- */

static void leave(const char *text)
{
	AUTO_FD int fd = -1;

	assert_int_equal(mkdir(dir, 0700), 0);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(syscall(SYS_write, fd, text, strlen(text)),
			 strlen(text));
}

/* Adds {9}; 0 or -1. */
static int add_9(struct err *err)
{
	struct recording *r = recording_new_addition("run-1");
	int rc;

	recording_put(r, "{9}", false);
	rc = recording_append(r, state_dir, err);
	recording_close(r);
	return rc;
}

IN_TASK(an_addition_follows_what_is_there)
{
	leave("{1}\n{2}\n");
	assert_int_equal(add_9(NULL), 0);
	assert_int_equal(add_9(NULL), 0);
	assert_file("{1}\n{2}\n{9}\n{9}\n");
	assert_false(is_held());
}

IN_TASK(an_addition_cuts_off_a_line_that_has_no_end)
{
	leave("{1}\n{2}\n{\"half");
	assert_int_equal(add_9(NULL), 0);
	assert_file("{1}\n{2}\n{9}\n");
}

IN_TASK(an_addition_cuts_off_a_long_line_that_has_no_end)
{
	static const char start[] = "{1}\n";
	/* so that the last whole line ends at each place of a block */
	static const size_t sizes[] = { 65531, 65532, 65533, 65536, 200000 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		AUTO_FREE char *text = xcalloc(1, sizeof(start) + sizes[i]);

		memset(text, 'x', sizeof(start) - 1 + sizes[i]);
		memcpy(text, start, strlen(start));
		leave(text);
		assert_int_equal(add_9(NULL), 0);
		assert_file("{1}\n{9}\n");
		assert_int_equal(unlink(path), 0);
		assert_int_equal(rmdir(dir), 0);
	}
}

IN_TASK(an_addition_makes_no_recording)
{
	assert_int_equal(add_9(NULL), 0);
	assert_int_equal(access(dir, F_OK), -1);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(add_9(NULL), 0);
	assert_int_equal(access(path, F_OK), -1);
}

IN_TASK(a_recording_without_a_whole_line_is_left_as_it_is)
{
	leave("{\"half");
	assert_int_equal(add_9(NULL), 0);
	assert_file("{\"half");
}

IN_TASK(an_addition_follows_no_link)
{
	struct err err = { 0 };

	leave("{1}\n");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/tmp", path), 0);
	assert_int_equal(add_9(&err), -1);
	expect_err_kind(&err, ERR_SYSTEM, "cannot open");
}

IN_TASK(a_recording_that_is_still_written_is_not_added_to)
{
	struct recording *r = recording_new("run-1");
	struct err err = { 0 };

	recording_put(r, "{1}", false);
	begin(r);
	assert_int_equal(add_9(&err), -1);
	expect_err_kind(&err, ERR_BUSY, "still written");
	assert_file("{1}\n");
	recording_close(r);
}

static void let_go(void *arg)
{
	assert_int_equal(task_sleep_until(mono_in_ms(50), NULL), 0);
	recording_close(arg);
}

IN_TASK(an_addition_waits_for_an_engine_that_is_just_ending)
{
	struct recording *r = recording_new("run-1");
	struct task *ending;

	recording_put(r, "{1}", false);
	begin(r);
	ending = task_start(task_loop(), "ending", let_go, r);
	assert_int_equal(add_9(NULL), 0);
	task_join(ending);
	assert_file("{1}\n{9}\n");
}

IN_TASK(an_addition_that_a_full_disk_refuses_is_reported)
{
	struct err err = { 0 };

	leave("{1}\n");
	refuse(1);
	assert_int_equal(add_9(&err), -1);
	expect_err_kind(&err, ERR_SYSTEM, "No space left");
	assert_file("{1}\n");
}

/* --- the thread ---------------------------------------------------------- */

IN_TASK(all_is_written_when_it_is_closed)
{
	struct recording *r = recording_new("run-1");

	recording_put(r, "{1}", false);
	begin(r);
	detach(r);
	recording_put(r, "{2}", false);
	recording_put(r, "{3}", true);
	assert_true(is_held());
	recording_close(r);
	assert_file("{1}\n{2}\n{3}\n");
	assert_false(is_held());
}

IN_TASK(what_a_full_disk_refused_is_tried_again_at_the_end)
{
	struct recording *r = recording_new("run-1");

	begin(r);
	detach(r);
	refuse(1);
	recording_put(r, "{1}", false);
	await_refusals();
	recording_close(r);
	assert_file("{1}\n");
}

IN_TASK(a_disk_that_hangs_holds_nobody_up)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	struct recording *r = recording_new("run-1");
	AUTO_FD int fd = -1;

	begin(r);
	detach(r);
	fd = open(path, O_RDONLY);
	set_hangs(true);
	recording_put(r, "{1}", false);
	recording_put(r, "{2}", false);
	recording_close(r);
	/* it ends by itself once the disk works again */
	set_hangs(false);
	assert_int_equal(fcntl(fd, F_OFD_SETLKW, &lock), 0);
	assert_file("{1}\n{2}\n");
}

IN_TASK(a_cancelled_task_waits_for_the_end_all_the_same)
{
	struct recording *r = recording_new("run-1");

	begin(r);
	detach(r);
	recording_put(r, "{1}", false);
	task_cancel(task_self());
	recording_close(r);
	assert_file("{1}\n");
}
