/* SPDX-License-Identifier: MIT */
/* Tests of engine/state/recording_file.c. */
#include "engine/state/recording_file.h"

#include <stdlib.h>

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
