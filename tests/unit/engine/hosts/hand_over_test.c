/* SPDX-License-Identifier: MIT */
/* hand_over: which files root opens for a guest, on this machine. */
#include "engine/hosts/hand_over.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/hosts/probe.h"
#include "engine/hosts/proc_stat.h"
#include "tests/unit/in_task.h"
#include "tests/unit/remove_tree.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"
#include "transport/host_open.h"
#include "transport/quote.h"

/* --- the rule ------------------------------------------------------------- */

static struct hand_held here;
static struct hand_found there;

/* A file that is open for writing here, and is the same there. */
static void arrange(char type)
{
	const struct hand_file file = {
		.type = type,
		.inode = 7,
		.size = 100,
		.born = 1000,
		.device = (char *)(type == 'b' ? "dm/uuid:LVM-1" : NULL),
	};

	here = (struct hand_held){ .reads = true,
				   .writes = true,
				   .file = file,
				   .id = (char *)"1:7:0:0" };
	there = (struct hand_found){ .guarded = true,
				     .may_read = true,
				     .may_write = true,
				     .file = file,
				     .id = (char *)"2:7:0:0" };
}

static void expect_handed(bool writable)
{
	assert_null(hand_over_refusal(&here, &there, writable, false));
}

static void expect_refused(const char *why)
{
	const char *said = hand_over_refusal(&here, &there, true, false);

	assert_non_null(said);
	assert_non_null(strstr(said, why));
}

TEST(the_same_file_is_handed_over)
{
	arrange('f');
	expect_handed(true);
	arrange('b');
	expect_handed(true);
}

TEST(what_is_not_open_is_not)
{
	arrange('f');
	here.reads = here.writes = false;
	expect_refused("does not have it open");
	assert_non_null(hand_over_refusal(&here, &there, false, false));
}

TEST(what_is_open_for_reading_is_for_reading_alone)
{
	arrange('f');
	here.writes = false;
	expect_refused("for reading only");
	expect_handed(false);
}

TEST(another_inode_size_or_birth_is_another_file)
{
	arrange('f');
	there.file.inode++;
	expect_refused("another file");
	arrange('f');
	there.file.size++;
	expect_refused("another file");
	arrange('f');
	there.file.born++;
	expect_refused("another file");
	/* a file system need not know it */
	there.file.born = 0;
	expect_handed(true);
}

TEST(another_identifier_is_another_device)
{
	arrange('b');
	there.file.device = (char *)"dm/uuid:LVM-2";
	expect_refused("another file");
	there.file.device = NULL;
	expect_refused("without an identifier");
}

TEST(fuse_proves_nothing)
{
	arrange('f');
	there.file.fuse = true;
	expect_refused("FUSE");
}

TEST(on_one_host_the_device_and_inode_say_it_all)
{
	arrange('b');
	here.file.device = there.file.device = NULL;
	assert_non_null(hand_over_refusal(&here, &there, true, true));
	there.id = here.id;
	assert_null(hand_over_refusal(&here, &there, true, true));
}

TEST(a_name_of_others_is_not_opened)
{
	arrange('f');
	there.guarded = false;
	expect_refused("others than root");
}

TEST(nor_what_root_may_not_open_itself)
{
	arrange('f');
	there.may_write = false;
	expect_refused("root may not");
}

TEST(nor_what_is_no_file)
{
	arrange('f');
	there.file.type = '-';
	expect_refused("neither");
}

/* --- on this machine ------------------------------------------------------ */

struct place {
	char root[40], name[64], other[64];
	int fd;
};

static int setup(void **state)
{
	struct place *p = XNEW(struct place);

	snprintf(p->root, sizeof(p->root), "/tmp/hand-over-XXXXXX");
	assert_non_null(mkdtemp(p->root));
	snprintf(p->name, sizeof(p->name), "%s/it's a [disk]", p->root);
	snprintf(p->other, sizeof(p->other), "%s/other", p->root);
	close(open(p->name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	close(open(p->other, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	p->fd = -1;
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;

	if (p->fd >= 0)
		close(p->fd);
	assert_int_equal(remove_tree(p->root), 0);
	free(p);
	return 0;
}

TEST_FIXTURE(setup, teardown);

static uint64_t own_ticks(void)
{
	AUTO_FD int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	char text[1024];
	ssize_t n = read(fd, text, sizeof(text) - 1);
	struct proc_stat st;

	assert_true(n > 0);
	text[n] = '\0';
	assert_int_equal(proc_stat_read(text, &st), 0);
	return st.start_ticks;
}

static void expect_held(const struct place *p, const char *path, uint64_t ticks,
			uid_t uid, const char *mode)
{
	struct host *h = host_local_new();
	const struct hand_holder holder = { getpid(), ticks, uid, NULL };
	AUTO_STRV struct strv paths = { .v = NULL };
	AUTO_ERR struct err e = { 0 };
	struct hand_held held;

	(void)p;
	strv_push(&paths, path);
	if (hand_over_ask_held(h, &holder, &paths, &held, IN_TASK_SOON, &e) < 0)
		fail_with_err(&e);
	assert_int_equal(held.reads, mode[0] == 'r');
	assert_int_equal(held.writes, mode[1] == 'w');
	assert_int_equal(held.file.type, 'f');
	hand_held_free(&held);
	host_close(h);
}

#define CASE(claim)                                \
	static void claim##_body(struct place *p); \
	static void claim##_task(void *arg)        \
	{                                          \
		claim##_body(arg);                 \
	}                                          \
	TEST(claim)                                \
	{                                          \
		in_task(claim##_task, *state);     \
	}                                          \
	static void claim##_body(struct place *p)

CASE(a_file_is_held_in_the_mode_that_it_is_open_in)
{
	uint64_t ticks = own_ticks();

	expect_held(p, p->name, ticks, getuid(), "--");
	p->fd = open(p->name, O_RDONLY | O_CLOEXEC);
	expect_held(p, p->name, ticks, getuid(), "r-");
	close(p->fd);
	p->fd = open(p->name, O_RDWR | O_CLOEXEC);
	expect_held(p, p->name, ticks, getuid(), "rw");
	expect_held(p, p->other, ticks, getuid(), "--");
}

CASE(one_that_is_open_without_rights_is_not_held)
{
	p->fd = open(p->name, O_PATH | O_CLOEXEC);
	expect_held(p, p->name, own_ticks(), getuid(), "--");
	close(p->fd);
	p->fd = open(p->name, O_WRONLY | O_CLOEXEC);
	expect_held(p, p->name, own_ticks(), getuid(), "--");
}

CASE(a_name_that_leads_to_it_will_do)
{
	p->fd = open(p->name, O_RDWR | O_CLOEXEC);
	assert_int_equal(unlink(p->other), 0);
	assert_int_equal(symlink(p->name, p->other), 0);
	expect_held(p, p->other, own_ticks(), getuid(), "rw");
}

/* Another file system has the same numbers for its inodes. */
CASE(an_inode_counts_on_its_mount_alone)
{
	AUTO_FREE char *where = xasprintf("%s/mount", p->root);
	AUTO_FREE char *path = xasprintf("%s/other", where);

	if (unshare(CLONE_NEWNS) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		skip();
	assert_int_equal(mkdir(where, 0700), 0);
	assert_int_equal(mount(p->root, where, NULL, MS_BIND, NULL), 0);
	p->fd = open(p->other, O_RDWR | O_CLOEXEC);
	expect_held(p, p->other, own_ticks(), getuid(), "rw");
	expect_held(p, path, own_ticks(), getuid(), "--");
	assert_int_equal(umount2(where, MNT_DETACH), 0);
}

static uint64_t inode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

/* A new file below @dir, called @n; its path is to be freed. */
static char *make_file(const char *dir, int n)
{
	char *path = xasprintf("%s/%d", dir, n);

	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	return path;
}

enum { LOWER_FILES = 64 };

/* An overlay of two file systems at "m"; false where there can be none. */
static bool mount_two(const char *root)
{
	static const char *const dirs[] = { "low", "up", "m", "up/u", "up/w" };
	AUTO_FREE char *low = xasprintf("%s/low", root);
	AUTO_FREE char *at = xasprintf("%s/m", root);
	AUTO_FREE char *options =
		xasprintf("lowerdir=%s,upperdir=%s/up/u,workdir=%s/up/w", low,
			  root, root);

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		AUTO_FREE char *dir = xasprintf("%s/%s", root, dirs[i]);

		assert_int_equal(mkdir(dir, 0755), 0);
		if (i < 2 && mount("none", dir, "tmpfs", 0, NULL) < 0)
			return false;
	}
	for (int i = 0; i < LOWER_FILES; i++)
		free(make_file(low, i));
	return mount("none", at, "overlay", 0, options) == 0;
}

static void unmount_two(const char *root)
{
	static const char *const dirs[] = { "m", "up", "low" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		AUTO_FREE char *dir = xasprintf("%s/%s", root, dirs[i]);

		(void)umount2(dir, MNT_DETACH);
	}
}

/* Opens a file below @at that has the number @inode; false: none gets it. */
static bool open_numbered(struct place *p, const char *at, uint64_t inode)
{
	for (int i = LOWER_FILES; i < 4 * LOWER_FILES && p->fd < 0; i++) {
		AUTO_FREE char *path = make_file(at, i);

		if (inode_of(path) == inode)
			p->fd = open(path, O_RDWR | O_CLOEXEC);
	}
	return p->fd >= 0;
}

/* One mount may have files of several devices, each with inodes of its own. */
CASE(nor_does_an_inode_count_where_one_mount_has_several_devices)
{
	AUTO_FREE char *at = xasprintf("%s/m", p->root);
	AUTO_FREE char *other = xasprintf("%s/%d", at, LOWER_FILES - 1);
	bool found = false;

	if (unshare(CLONE_NEWNS) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		skip();
	if (mount_two(p->root))
		found = open_numbered(p, at, inode_of(other));
	if (found)
		expect_held(p, other, own_ticks(), getuid(), "--");
	unmount_two(p->root);
	if (!found)
		skip();
}

CASE(another_process_or_another_user_holds_nothing)
{
	p->fd = open(p->name, O_RDWR | O_CLOEXEC);
	expect_held(p, p->name, own_ticks() + 1, getuid(), "--");
	expect_held(p, p->name, own_ticks(), getuid() + 1, "--");
}

static struct hand_found find(const char *path)
{
	struct host *h = host_local_new();
	AUTO_STRV struct strv paths = { .v = NULL };
	AUTO_ERR struct err e = { 0 };
	struct hand_found f;

	strv_push(&paths, path);
	if (hand_over_ask_found(h, &paths, &f, IN_TASK_SOON, &e) < 0)
		fail_with_err(&e);
	host_close(h);
	return f;
}

static void expect_guarded(const char *path, bool expected)
{
	struct hand_found f = find(path);

	assert_int_equal(f.guarded, expected);
	hand_found_free(&f);
}

CASE(a_name_is_guarded_where_all_directories_are_roots)
{
	if (geteuid() != 0)
		skip();
	expect_guarded(p->name, true);
	assert_int_equal(chmod(p->root, 0770), 0);
	expect_guarded(p->name, false);
	assert_int_equal(chmod(p->root, 0707), 0);
	expect_guarded(p->name, false);
	/* nobody else takes away what is root's there */
	assert_int_equal(chmod(p->root, 01777), 0);
	expect_guarded(p->name, true);
	assert_int_equal(chown(p->name, 65534, 65534), 0);
	expect_guarded(p->name, false);
	assert_int_equal(chmod(p->root, 0700), 0);
	expect_guarded(p->name, true);
	assert_int_equal(chown(p->root, 65534, 65534), 0);
	expect_guarded(p->name, false);
}

CASE(a_directory_on_the_way_that_is_another_s_is_enough)
{
	AUTO_FREE char *dir = xasprintf("%s/dir", p->root);
	AUTO_FREE char *path = xasprintf("%s/file", dir);

	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir(dir, 0755), 0);
	assert_int_equal(rename(p->other, path), 0);
	expect_guarded(path, true);
	assert_int_equal(chown(dir, 65534, 65534), 0);
	expect_guarded(path, false);
}

CASE(a_link_is_guarded_as_what_it_leads_to)
{
	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir(p->other, 0700) == 0 ||
				 (unlink(p->other) == 0 &&
				  symlink(p->name, p->other) == 0),
			 true);
	expect_guarded(p->other, true);
	expect_guarded("/proc/self/root/nothing", false);
}

/* What `hand` said, or what the descriptor it opened leads to. */
static char *hand(const char *path, const char *mode, const char *id)
{
	struct host *h = host_local_new();
	AUTO_BUF struct buf script = { 0 };
	struct buf out = { 0 };

	buf_printf(&script, "%s%s( hand 3 %s ", file_mark_sh, hand_over_sh,
		   mode);
	quote_word(&script, path);
	buf_printf(&script, " ");
	quote_word(&script, id);
	buf_printf(&script, "; sed -n 's/^flags:.*\\(.\\)$/\\1/p' "
			    "/proc/self/fdinfo/3; readlink /proc/self/fd/3 "
			    ") 2>&1 || true\n");
	assert_int_equal(probe_script(h, "hand", buf_data(&script), &out,
				      IN_TASK_SOON, NULL),
			 0);
	host_close(h);
	return buf_steal(&out);
}

CASE(what_was_found_is_opened_in_its_mode)
{
	struct hand_found f = find(p->name);
	AUTO_FREE char *said = NULL;

	if (geteuid() != 0) {
		hand_found_free(&f);
		skip();
	}
	said = hand(p->name, "rw", f.id);
	assert_int_equal(said[0], '2');
	assert_non_null(strstr(said, p->name));
	free(said);
	said = hand(p->name, "r", f.id);
	assert_int_equal(said[0], '0');
	hand_found_free(&f);
}

CASE(what_was_put_in_its_place_since_is_not_opened)
{
	struct hand_found f = find(p->name);
	AUTO_FREE char *said = NULL;

	if (geteuid() != 0) {
		hand_found_free(&f);
		skip();
	}
	assert_int_equal(rename(p->name, p->root), -1);
	assert_int_equal(unlink(p->name), 0);
	assert_int_equal(symlink("/etc/shadow", p->name), 0);
	said = hand(p->name, "rw", f.id);
	assert_non_null(strstr(said, "leads to another file than before"));
	assert_null(strstr(said, "/etc/shadow"));
	free(said);
	assert_int_equal(unlink(p->name), 0);
	assert_int_equal(rename(p->other, p->name), 0);
	said = hand(p->name, "rw", f.id);
	assert_non_null(strstr(said, "leads to another file than before"));
	hand_found_free(&f);
}

CASE(nor_by_a_name_that_others_can_change_since)
{
	struct hand_found f = find(p->name);
	AUTO_FREE char *said = NULL;

	if (geteuid() != 0) {
		hand_found_free(&f);
		skip();
	}
	assert_int_equal(chmod(p->root, 0777), 0);
	said = hand(p->name, "rw", f.id);
	assert_non_null(strstr(said, "leads to another file than before"));
	hand_found_free(&f);
}
