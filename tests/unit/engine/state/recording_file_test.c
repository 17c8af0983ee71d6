/* SPDX-License-Identifier: MIT */
/* Tests of engine/state/recording_file.c. */
#include "engine/state/recording_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

TEST(a_name_is_the_run_and_a_suffix)
{
	AUTO_FREE char *name = recording_file_name("run-1");
	AUTO_FREE char *run = recording_file_run(name);

	assert_string_equal(name, "run-1.jsonl");
	assert_string_equal(run, "run-1");
	assert_true(recording_file_is_name(name));
}

TEST(other_names_are_no_recordings)
{
	static const char *const others[] = {
		"run-1",
		".jsonl",
		".run-1.jsonl",
		"run-1.jsonl.x",
		"run-1.json",
		"run-1jsonl",
		".",
		"",
	};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_false(recording_file_is_name(others[i]));
}

TEST(one_holds_it_until_it_is_closed)
{
	char path[] = "/tmp/recording-file-test.XXXXXX";
	AUTO_FD int reader = -1;
	AUTO_FD int second = -1;
	int writer = mkstemp(path);

	reader = open(path, O_RDONLY | O_CLOEXEC);
	second = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(unlink(path), 0);
	assert_true(writer >= 0 && reader >= 0 && second >= 0);
	assert_false(recording_file_is_held(reader));
	assert_int_equal(recording_file_hold(writer), 0);
	assert_true(recording_file_is_held(reader));
	assert_int_equal(recording_file_hold(second), -1);
	assert_int_equal(close(writer), 0);
	assert_false(recording_file_is_held(reader));
	assert_int_equal(recording_file_hold(second), 0);
}
