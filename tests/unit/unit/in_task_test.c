/* SPDX-License-Identifier: MIT */
/*
 * in_task: how a test ends whose body is a task. The program runs itself with
 * tests that fail and that are skipped, and reads what is said of them.
 */
#include "tests/unit/in_task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "transport/base/task.h"

#define INNER "VMFERRY_IN_TASK_TEST"

/* --- the tests within ----------------------------------------------------- */

static void fails_body(void *arg)
{
	(void)arg;
	task_yield();
	assert_int_equal(1, 2);
}

static void skipped_body(void *arg)
{
	(void)arg;
	skip();
}

/* The body of a test that waits for a task that fails. */
static void waits_body(void *arg)
{
	struct task *t = task_start(task_loop(), "other", fails_body, arg);

	task_join(t);
}

static void passes_body(void *arg)
{
	(void)arg;
	task_yield();
}

static void fails(void **state)
{
	in_task(fails_body, *state);
}

static void is_skipped(void **state)
{
	in_task(skipped_body, *state);
}

static void fails_in_another_task(void **state)
{
	in_task(waits_body, *state);
}

static void passes(void **state)
{
	in_task(passes_body, *state);
}

static void fails_without_a_task(void **state)
{
	(void)state;
	fail();
}

void test_begin(void)
{
	const struct CMUnitTest inner[] = {
		cmocka_unit_test(fails),
		cmocka_unit_test(is_skipped),
		cmocka_unit_test(fails_in_another_task),
		cmocka_unit_test(fails_without_a_task),
		cmocka_unit_test(passes),
	};

	if (getenv(INNER))
		exit(cmocka_run_group_tests(inner, NULL, NULL));
}

/* --- what is said of them ------------------------------------------------- */

static char said[65536];
static int status;

static int run_inner(void **state)
{
	FILE *f;

	(void)state;
	/* what a failed test leaks is not reported */
	setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
	setenv(INNER, "1", 1);
	f = popen("exec /proc/$PPID/exe 2>&1", "r");
	unsetenv(INNER);
	if (!f)
		return -1;
	said[fread(said, 1, sizeof(said) - 1, f)] = '\0';
	status = pclose(f);
	return 0;
}

TEST_GROUP_FIXTURE(run_inner, NULL);

static void expect_said(const char *line)
{
	if (!strstr(said, line))
		fail_msg("\"%s\" is not in:\n%s", line, said);
}

TEST(a_failure_in_a_task_is_that_of_its_test)
{
	expect_said("[  FAILED  ] fails\n");
	expect_said("1 != 0x2");
	expect_said("in_task_test.c:");
}

TEST(a_skip_in_a_task_is_that_of_its_test)
{
	expect_said("[  SKIPPED ] is_skipped\n");
}

TEST(a_failure_in_any_task_ends_the_test)
{
	expect_said("[  FAILED  ] fails_in_another_task\n");
}

TEST(without_a_task_it_is_as_ever)
{
	expect_said("[  FAILED  ] fails_without_a_task\n");
}

TEST(the_tests_behind_a_failed_one_run)
{
	expect_said("[       OK ] passes\n");
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 3);
}
