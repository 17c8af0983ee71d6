/* SPDX-License-Identifier: MIT */
/* feed: the three streams of a command that runs. */
#include "transport/feed.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/in_task.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

/* The command's end of a stream; *ours is for the feed. */
static int stream_of_command(int *ours)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX,
				    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
				    0, pair),
			 0);
	*ours = pair[0];
	return pair[1];
}

IN_TASK(what_was_written_just_before_the_end_is_collected)
{
	AUTO_BUF struct buf output = { .base = NULL };
	struct feed_spec spec = {
		.in = -1,
		.err = -1,
		.max_output = 1000,
		.output = &output,
	};
	int theirs = stream_of_command(&spec.out);
	struct feed *feed = feed_start(&spec);

	/* it waits for bytes now */
	task_yield();
	assert_int_equal(write(theirs, "last words", 10), 10);
	/* the loop has not seen them: it is not entered before the cancel */
	assert_false(feed_stop(feed));
	assert_int_equal(buf_len(&output), 10);
	assert_memory_equal(buf_data(&output), "last words", 10);
	close(theirs);
}

IN_TASK(a_command_that_writes_too_much_is_reported)
{
	AUTO_BUF struct buf output = { .base = NULL };
	struct feed_spec spec = {
		.in = -1,
		.err = -1,
		.max_output = 9,
		.output = &output,
	};
	int theirs = stream_of_command(&spec.out);
	struct feed *feed;

	assert_int_equal(write(theirs, "last words", 10), 10);
	feed = feed_start(&spec);
	assert_true(feed_stop(feed));
	close(theirs);
}

IN_TASK(input_is_written_and_its_end_is_seen)
{
	struct feed_spec spec = {
		.out = -1,
		.err = -1,
		.input = "words",
		.input_len = 5,
	};
	int theirs = stream_of_command(&spec.in);
	struct feed *feed = feed_start(&spec);
	char got[16];

	task_yield();
	assert_int_equal(read(theirs, got, sizeof(got)), 5);
	assert_memory_equal(got, "words", 5);
	assert_int_equal(read(theirs, got, sizeof(got)), 0);
	assert_false(feed_stop(feed));
	close(theirs);
}
