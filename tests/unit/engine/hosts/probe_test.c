/* SPDX-License-Identifier: MIT */
/* probe: what scripts print about this machine. */
#include "engine/hosts/probe.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/qmp_fixture.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"
#include "transport/host_open.h"

/* --- on this machine ----------------------------------------------------- */

static void host_body(void *arg)
{
	struct host *h = host_local_new();
	AUTO_ERR struct err e = { 0 };
	struct host_facts f = { 0 };

	(void)arg;
	expect_ok(probe_host(h, &f, SOON, &e), &e);
	assert_int_equal(f.uid, getuid());
	assert_int_equal(f.run_root[0], '/');
	assert_true(f.memory_available_bytes > 1024 * 1024);
	assert_true(f.room.known);
	assert_true(probe_same_host(&f, &f));
	host_facts_free(&f);
	host_close(h);
	expect_ok(probe_here(&f, SOON, &e), &e);
	assert_int_equal(f.uid, getuid());
	host_facts_free(&f);
}

TEST(a_host_says_who_it_is)
{
	in_task(host_body, NULL);
}

static void expect_room(const char *text, bool known, uint64_t bytes,
			bool inodes_known, uint64_t inodes)
{
	struct probe_room room;

	probe_room_read(text, &room);
	assert_int_equal(room.known, known);
	assert_int_equal(room.inodes_known, inodes_known);
	if (known)
		assert_int_equal(room.free_bytes, bytes);
	if (inodes_known)
		assert_int_equal(room.free_inodes, inodes);
}

TEST(what_is_free_is_never_less_than_nothing)
{
	expect_room("10 4096 100 7", true, 40960, true, 7);
	expect_room("-10 4096 100 -7", true, 0, true, 0);
	/* the same number without a sign */
	expect_room("18446744073709551606 4096 100 18446744073709551609", true,
		    0, true, 0);
	expect_room("9223372036854775807 4096 1 1", true, UINT64_MAX, true, 1);
}

TEST(a_file_system_may_count_no_inodes_or_nothing)
{
	expect_room("10 4096 0 0", true, 40960, false, 0);
	expect_room("", false, 0, false, 0);
	expect_room("10 4096 100", false, 0, false, 0);
	expect_room("10 ? 100 1", false, 0, false, 0);
}

static void files_body(void *arg)
{
	const char *dir = arg;
	struct host *h = host_local_new();
	AUTO_STRV struct strv paths = { 0 };
	AUTO_ERR struct err e = { 0 };
	struct probe_file f[4];
	AUTO_FREE char *odd = xasprintf("%s/it's $HOME \"quoted\"", dir);
	AUTO_FD int fd = open(odd, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	struct stat st;

	assert_int_equal(write(fd, "12345", 5), 5);
	strv_push(&paths, odd);
	strv_push(&paths, dir);
	strv_push(&paths, "/nonexistent/file");
	strv_push(&paths, "/dev/null");
	expect_ok(probe_files(h, &paths, NULL, f, SOON, &e), &e);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(f[0].type, 'f');
	assert_int_equal(f[0].size_bytes, 5);
	assert_int_equal(f[0].inode, st.st_ino);
	assert_true(f[0].readable && f[0].writable);
	assert_int_equal(f[1].type, 'd');
	assert_false(f[2].exists);
	assert_int_equal(f[3].type, 'o');
	(void)unlink(odd);
	host_close(h);
}

/* What @user may do with a file of this mode, "rw", "r-", "--" or "??". */
static void expect_access(const char *user, mode_t mode, const char *expected)
{
	const struct as_user nobody = { .name = user, .group = "nogroup" };
	struct host *h = host_local_new();
	AUTO_STRV struct strv paths = { 0 };
	AUTO_ERR struct err e = { 0 };
	char path[] = "/tmp/probe-XXXXXX";
	AUTO_FD int fd = mkstemp(path);
	struct probe_file f;

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	strv_push(&paths, path);
	expect_ok(probe_files(h, &paths, &nobody, &f, SOON, &e), &e);
	(void)unlink(path);
	assert_true(f.exists);
	assert_int_equal(f.access_known, expected[0] != '?');
	assert_int_equal(f.readable, expected[0] == 'r');
	assert_int_equal(f.writable, expected[1] == 'w');
	host_close(h);
}

IN_TASK(access_is_that_of_the_user_asked_for)
{
	if (geteuid()) {
		print_message("only root can act as another user\n");
		return;
	}
	expect_access("nobody", 0600, "--");
	expect_access("nobody", 0604, "r-");
	expect_access("nobody", 0606, "rw");
	expect_access("no-such-user", 0606, "??");
}

IN_TASK(a_host_that_does_not_answer_has_no_files)
{
	struct host *h = host_local_new();
	AUTO_STRV struct strv paths = { 0 };
	struct probe_file f[1] = { { .exists = false } };
	struct err e = { 0 };

	strv_push(&paths, "/dev/null");
	assert_int_equal(probe_files(h, &paths, NULL, f, mono_in_ms(-1), &e),
			 -1);
	expect_err_kind(&e, ERR_TIMEOUT, "");
	assert_false(f[0].exists);
	host_close(h);
}

TEST(files_are_distinguished_by_odd_names_too)
{
	char dir[] = "/tmp/probe-XXXXXX";

	assert_non_null(mkdtemp(dir));
	in_task(files_body, dir);
	(void)rmdir(dir);
}

static void script_body(void *arg)
{
	struct host *h = host_local_new();
	AUTO_BUF struct buf out = { 0 };
	AUTO_ERR struct err e = { 0 };

	(void)arg;
	assert_int_equal(probe_script(h, "sample", "echo why >&2; exit 3\n",
				      &out, SOON, &e),
			 -1);
	expect_err_kind(&e, ERR_REMOTE, "why");
	host_close(h);
}

TEST(a_failed_script_is_quoted)
{
	in_task(script_body, NULL);
}

static void qemu_body(void *arg)
{
	struct host *h = host_local_new();
	AUTO_ERR struct err e = { 0 };
	struct probe_qemu q;

	(void)arg;
	expect_ok(probe_qemu(h, "/nonexistent/qemu", true, "pc", NULL, &q, SOON,
			     &e),
		  &e);
	assert_null(q.path);
	probe_qemu_free(&q);
	host_close(h);
}

TEST(a_missing_qemu_is_no_error)
{
	in_task(qemu_body, NULL);
}

static void known_body(void *arg)
{
	struct host *h = host_local_new();
	AUTO_ERR struct err e = { 0 };
	struct probe_qemu q;

	(void)arg;
	expect_ok(probe_qemu(h, "/elsewhere/qemu-system-x86_64", true,
			     "pc-q35-99.0", NULL, &q, SOON, &e),
		  &e);
	/* not where it was asked for, so found by its name in PATH */
	if (q.path) {
		assert_int_equal(q.path[0], '/');
		assert_true(q.version[0] >= '1' && q.version[0] <= '9');
		assert_false(q.machine_known);
	}
	probe_qemu_free(&q);
	host_close(h);
}

/* What is named by a person is not replaced, nor taken for what it is not. */
static void named_body(void *arg)
{
	struct host *h = host_local_new();
	AUTO_ERR struct err e = { 0 };
	struct probe_qemu q;

	(void)arg;
	expect_ok(probe_qemu(h, "/nonexistent/sh", false, "pc", NULL, &q, SOON,
			     &e),
		  &e);
	assert_null(q.path);
	expect_ok(probe_qemu(h, "/nonexistent/sh", true, "pc", NULL, &q, SOON,
			     &e),
		  &e);
	assert_non_null(q.path);
	probe_qemu_free(&q);
	expect_ok(probe_qemu(h, "/bin/true", false, "pc", NULL, &q, SOON, &e),
		  &e);
	assert_string_equal(q.path, "/bin/true");
	assert_string_equal(q.version, "");
	probe_qemu_free(&q);
	host_close(h);
}

TEST(a_qemu_that_is_named_is_that_one_or_none)
{
	in_task(named_body, NULL);
}

static void package_body(void *arg)
{
	struct host *h = host_local_new();
	AUTO_FREE char *package = probe_package(h, SOON);

	(void)arg;
	/* a name and a version, where a package manager knows it */
	if (package) {
		const char *blank = strchr(package, ' ');

		assert_int_equal(strncmp(package, "libssh2", 7), 0);
		assert_non_null(blank);
		assert_true(blank[1] >= '0' && blank[1] <= '9');
	}
	host_close(h);
}

TEST(the_package_of_the_library_has_a_version)
{
	in_task(package_body, NULL);
}

TEST(an_unknown_machine_type_is_reported)
{
	in_task(known_body, NULL);
}
