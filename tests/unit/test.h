/* SPDX-License-Identifier: MIT */
/*
 * test: each test registers itself; main() is in test.c. TEST(name) { body }
 * is a test, IN_TASK(name) in in_task.h one whose body is a task. Tests run in
 * the order of their lines. A program with arguments runs the tests that have
 * one of them in their name. It fails if there is no test to run. A program is
 * also an endpoint, when it is started as one.
 */
#ifndef TESTS_UNIT_TEST_H
#define TESTS_UNIT_TEST_H

/* cmocka.h needs these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define TEST(name)                                                      \
	static void name(void **state);                                 \
	__attribute__((constructor)) static void name##_is_a_test(void) \
	{                                                               \
		static struct test t = { #name, name, __LINE__, NULL }; \
                                                                        \
		test_register(&t);                                      \
	}                                                               \
	static void name(__attribute__((unused)) void **state)

/* Around each test. A program has at most one; either function may be NULL. */
#define TEST_FIXTURE(setup, teardown) \
	const struct test_fixture test_fixture = { setup, teardown }
/* The same, around all tests. */
#define TEST_GROUP_FIXTURE(setup, teardown) \
	const struct test_fixture test_group_fixture = { setup, teardown }

/*
 * A program may have one: it is called first in main(), before cmocka. It is
 * for programs that also run as something else than a test.
 */
void test_begin(void);

/* --- what the macros need ------------------------------------------------- */

struct test {
	const char *name;
	CMUnitTestFunction run;
	int line;
	struct test *next;
};
struct test_fixture {
	CMFixtureFunction setup, teardown;
};
extern const struct test_fixture test_fixture, test_group_fixture;

/* @t is static storage. */
void test_register(struct test *t);

#endif
