/* SPDX-License-Identifier: MIT */
/* Tests of transport/ssh_file.c. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"
#include "transport/ssh_file.h"

enum { MIB = 1024 * 1024 };

static char dir[] = "/tmp/vmferry-ssh-file-XXXXXX";
static char file[64], fifo[64];

static int make_directory(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(file, sizeof(file), "%s/file", dir);
	snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	(void)unlink(file);
	(void)unlink(fifo);
	return rmdir(dir);
}

TEST_GROUP_FIXTURE(make_directory, remove_directory);

static void write_file(const char *text, size_t len)
{
	FILE *f = fopen(file, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void expect_errno(const char *path, int number)
{
	AUTO_BUF struct buf b = { .base = NULL };

	errno = 0;
	assert_int_equal(ssh_file_read(path, &b), -1);
	assert_int_equal(errno, number);
}

TEST(a_file_is_appended_to_what_there_is)
{
	AUTO_BUF struct buf b = { .base = NULL };

	write_file("two", 3);
	buf_append(&b, "one ", 4);
	assert_int_equal(ssh_file_read(file, &b), 0);
	assert_string_equal(buf_data(&b), "one two");
}

TEST(only_regular_files_are_read)
{
	expect_errno("/dev/null", ENOENT);
	expect_errno(dir, EISDIR);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	expect_errno(fifo, ESPIPE);
	expect_errno("/nowhere/at/all", ENOENT);
}

TEST(a_file_of_4_mib_is_the_largest)
{
	AUTO_FREE char *zeros = xcalloc(4 * MIB + 1, 1);
	AUTO_BUF struct buf b = { .base = NULL };

	write_file(zeros, 4 * MIB);
	assert_int_equal(ssh_file_read(file, &b), 0);
	assert_int_equal(buf_len(&b), 4 * MIB);
	write_file(zeros, 4 * MIB + 1);
	expect_errno(file, EFBIG);
}

TEST(a_file_that_cannot_be_read_is_an_error)
{
	/* nothing is mapped at 0 */
	expect_errno("/proc/self/mem", EIO);
}
