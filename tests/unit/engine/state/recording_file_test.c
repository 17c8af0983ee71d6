/* SPDX-License-Identifier: MIT */
/* Tests of engine/state/recording_file.c. */
#include "engine/state/recording_file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "transport/base/xalloc.h"

static void a_name_is_the_run_and_a_suffix(void **state)
{
	AUTO_FREE char *name = recording_file_name("run-1");
	AUTO_FREE char *run = recording_file_run(name);

	(void)state;
	assert_string_equal(name, "run-1.jsonl");
	assert_string_equal(run, "run-1");
	assert_true(recording_file_is_name(name));
}

static void other_names_are_no_recordings(void **state)
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

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_false(recording_file_is_name(others[i]));
}

static void one_holds_it_until_it_is_closed(void **state)
{
	char path[] = "/tmp/recording-file-test.XXXXXX";
	AUTO_FD int reader = -1;
	AUTO_FD int second = -1;
	int writer = mkstemp(path);

	(void)state;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_the_run_and_a_suffix),
		cmocka_unit_test(other_names_are_no_recordings),
		cmocka_unit_test(one_holds_it_until_it_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
