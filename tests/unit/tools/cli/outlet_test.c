/* SPDX-License-Identifier: MIT */
/* Tests of tools/cli/outlet.c. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "tools/cli/outlet.h"

enum { LIMIT = 64 * 1024 };

static char block[1024];

static int set_up(void **state)
{
	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	memset(block, 'x', sizeof(block));
	return 0;
}

TEST_GROUP_FIXTURE(set_up, NULL);

/* Puts until the outlet has to keep something back. */
static size_t fill(struct outlet *o)
{
	size_t bytes = 0;

	while (!outlet_is_behind(o)) {
		assert_true(outlet_put(o, block, sizeof(block)));
		bytes += sizeof(block);
	}
	return bytes;
}

static size_t read_some(int fd)
{
	char data[4096];
	ssize_t n = read(fd, data, sizeof(data));

	assert_true(n >= 0);
	return (size_t)n;
}

TEST(without_a_descriptor_all_is_kept)
{
	struct outlet o;

	outlet_open(&o, -1, LIMIT);
	assert_true(outlet_put(&o, "abc", 3));
	assert_string_equal(buf_data(&o.pending), "abc");
	assert_false(outlet_is_behind(&o));
	assert_int_equal(outlet_close(&o, 0), 0);
}

TEST(a_full_pipe_does_not_hold_up_and_loses_nothing)
{
	struct outlet o;
	size_t bytes, got = 0, n;
	int p[2];

	assert_int_equal(pipe(p), 0);
	outlet_open(&o, p[1], LIMIT);
	bytes = fill(&o);
	while (outlet_is_behind(&o))
		got += read_some(p[0]);
	assert_int_equal(outlet_close(&o, 0), 0);
	close(p[1]);
	while ((n = read_some(p[0])) > 0)
		got += n;
	close(p[0]);
	assert_int_equal(got, bytes);
}

TEST(a_full_socket_does_not_hold_up)
{
	struct outlet o;
	int s[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	outlet_open(&o, s[1], LIMIT);
	assert_true(fill(&o) > 0);
	assert_int_equal(outlet_close(&o, 0), -1);
	close(s[0]);
	close(s[1]);
}

/* An eventfd has no file; it is full with the highest number but one. */
TEST(what_cannot_be_opened_again_does_not_hold_up)
{
	const uint64_t full = UINT64_MAX - 1;
	struct outlet o;
	int fd = eventfd(0, 0);

	assert_true(fd >= 0);
	outlet_open(&o, fd, LIMIT);
	assert_int_equal(o.kind, OUTLET_POLLED);
	assert_true(outlet_put(&o, &full, sizeof(full)));
	assert_false(outlet_is_behind(&o));
	assert_true(outlet_put(&o, &full, sizeof(full)));
	assert_true(outlet_is_behind(&o));
	assert_int_equal(read_some(fd), sizeof(full));
	assert_false(outlet_is_behind(&o));
	assert_int_equal(outlet_close(&o, 0), 0);
	close(fd);
}

TEST(past_the_limit_whole_writes_are_dropped)
{
	struct outlet o;
	int p[2];

	assert_int_equal(pipe(p), 0);
	outlet_open(&o, p[1], sizeof(block));
	fill(&o);
	assert_false(outlet_put(&o, block, sizeof(block)));
	assert_int_equal(o.lost, 1);
	assert_int_equal(outlet_close(&o, 0), -1);
	close(p[0]);
	close(p[1]);
}

TEST(the_mode_of_the_given_descriptor_stays)
{
	struct outlet o;
	int p[2];

	assert_int_equal(pipe(p), 0);
	outlet_open(&o, p[1], LIMIT);
	outlet_put(&o, "x", 1);
	assert_int_equal(fcntl(p[1], F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(outlet_close(&o, 0), 0);
	assert_int_equal(write(p[1], "y", 1), 1);
	close(p[0]);
	close(p[1]);
}

TEST(a_reader_that_is_gone_is_a_failure)
{
	struct outlet o;
	int p[2];

	assert_int_equal(pipe(p), 0);
	outlet_open(&o, p[1], LIMIT);
	close(p[0]);
	outlet_put(&o, "x", 1);
	assert_int_equal(o.failed, EPIPE);
	assert_int_equal(outlet_close(&o, 1000), -1);
	close(p[1]);
}

TEST(a_full_disk_is_a_failure)
{
	struct outlet o;
	int fd = open("/dev/full", O_WRONLY);

	assert_true(fd >= 0);
	outlet_open(&o, fd, LIMIT);
	outlet_put(&o, "x", 1);
	assert_int_equal(o.failed, ENOSPC);
	assert_int_equal(outlet_close(&o, 0), -1);
	close(fd);
}
