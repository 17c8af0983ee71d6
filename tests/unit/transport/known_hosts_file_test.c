/* SPDX-License-Identifier: MIT */
/* known_hosts_file: known_hosts files, read and added to. */
#include "transport/known_hosts_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"
#include "transport/ssh_file.h"

#define ED_A \
	"AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define LINE "h ssh-ed25519 " ED_A "\n"

static char dir[] = "/tmp/vmferry-known-XXXXXX";
static char *file, *other;

static int make_dir(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	file = xasprintf("%s/known_hosts", dir);
	other = xasprintf("%s/other", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	(void)unlink(file);
	(void)unlink(other);
	free(file);
	free(other);
	return rmdir(dir);
}

TEST_GROUP_FIXTURE(make_dir, remove_dir);

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void expect_file(const char *text)
{
	AUTO_BUF struct buf b = { .base = NULL };

	assert_int_equal(ssh_file_read(file, &b), 0);
	assert_string_equal(buf_data(&b), text);
}

/* --- reading ------------------------------------------------------------- */

/* What @a and @b say of host h. */
static int read_two(struct known_hosts *k, const char *a, const char *b,
		    struct err *err)
{
	AUTO_STRV struct strv files = { .v = NULL };

	strv_push(&files, a);
	strv_push(&files, b);
	known_hosts_init(k, "h", "22");
	return known_hosts_file_read(k, &files, err);
}

TEST(files_are_read_in_their_order)
{
	struct known_hosts k;

	put(file, "# one\n" LINE);
	put(other, LINE);
	assert_int_equal(read_two(&k, other, file, NULL), 0);
	assert_int_equal(k.n, 2);
	assert_string_equal(k.keys[0].file, other);
	assert_int_equal(k.keys[0].line, 1);
	assert_string_equal(k.keys[1].file, file);
	assert_int_equal(k.keys[1].line, 2);
	known_hosts_free(&k);
}

TEST(one_that_is_not_there_is_empty)
{
	struct known_hosts k;

	put(file, LINE);
	assert_int_equal(read_two(&k, "/no/such/file", file, NULL), 0);
	assert_int_equal(k.n, 1);
	known_hosts_free(&k);
	assert_int_equal(read_two(&k, "/dev/null", dir, NULL), 0);
	assert_int_equal(k.n, 0);
	known_hosts_free(&k);
}

static void expect_unreadable(void)
{
	AUTO_ERR struct err err = { 0 };
	struct known_hosts k;

	put(file, LINE);
	assert_int_equal(read_two(&k, file, other, &err), -1);
	assert_int_equal(err.kind, ERR_SYSTEM);
	assert_non_null(strstr(err.message, other));
	assert_non_null(strstr(err_hint_of(&err), "--ssh openssh"));
	known_hosts_free(&k);
	assert_int_equal(unlink(other), 0);
}

/* What it says, a revoked key for instance, would not count. */
TEST(one_that_only_ssh_could_read_is_not_empty)
{
	put(other, "");
	assert_int_equal(truncate(other, 64 << 20), 0);
	expect_unreadable();
	assert_int_equal(mkfifo(other, 0600), 0);
	expect_unreadable();
}

/* --- adding -------------------------------------------------------------- */

TEST(a_line_is_appended_to_what_is_there)
{
	put(file, "# mine\n");
	assert_int_equal(known_hosts_file_append(file, LINE, NULL), 0);
	expect_file("# mine\n" LINE);
	put(file, "# no newline");
	assert_int_equal(known_hosts_file_append(file, LINE, NULL), 0);
	expect_file("# no newline\n" LINE);
}

TEST(a_file_that_is_made_is_private)
{
	struct stat st;

	(void)unlink(file);
	assert_int_equal(known_hosts_file_append(file, LINE, NULL), 0);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	expect_file(LINE);
}

TEST(its_directory_is_made_too)
{
	AUTO_FREE char *below = xasprintf("%s/new", dir);
	AUTO_FREE char *path = xasprintf("%s/known_hosts", below);
	struct stat st;

	assert_int_equal(known_hosts_file_append(path, LINE, NULL), 0);
	assert_int_equal(stat(below, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(below), 0);
}

TEST(what_cannot_be_written_is_an_error)
{
	AUTO_ERR struct err err = { 0 };

	assert_int_equal(
		known_hosts_file_append("/no/such/dir/file", LINE, &err), -1);
	assert_int_equal(err.kind, ERR_SYSTEM);
	assert_int_equal(known_hosts_file_append("/dev/full", LINE, &err), -1);
	assert_int_equal(err.kind, ERR_SYSTEM);
	/* nothing is kept there, which is somebody's wish */
	assert_int_equal(known_hosts_file_append("/dev/null", LINE, NULL), 0);
}
