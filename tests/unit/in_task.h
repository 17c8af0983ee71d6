/* SPDX-License-Identifier: MIT */
/*
 * in_task: runs a test's body as a task of a loop of its own, and looks at
 * errors.
 */
#ifndef TESTS_UNIT_IN_TASK_H
#define TESTS_UNIT_IN_TASK_H

#include "tests/unit/test.h"
#include "transport/base/err.h"

/* Long enough that only a hang meets it. */
#define IN_TASK_SOON mono_in_ms(60000)

/*
 * The loop, and with it every task, is gone when this returns. A failed assert
 * or a skip, in any task of that loop, ends this test and no other.
 */
void in_task(void (*fn)(void *arg), void *arg);

/* IN_TASK(name) { body }: a test whose body is a task. */
#define IN_TASK(name)                         \
	static void name##_body(void *arg);   \
	TEST(name)                            \
	{                                     \
		in_task(name##_body, *state); \
	}                                     \
	static void name##_body(__attribute__((unused)) void *arg)

/* Fails the test with @err's text; frees it. */
void fail_with_err(struct err *err);
/* Fails unless @err is of that kind and its text has @words; frees it. */
void expect_err_kind(struct err *err, enum err_kind kind, const char *words);

#endif
