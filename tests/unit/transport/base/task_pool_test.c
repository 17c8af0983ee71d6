/* SPDX-License-Identifier: MIT */
/* Tests of transport/base/task_pool.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "transport/base/task_pool.h"
#include "tests/unit/in_task.h"
#include "transport/base/task.h"

enum { MANY = 20 };

struct log {
	int done[MANY];
	int at_once, most_at_once;
	int cancelled;
	int rc;
	struct err err;
	size_t width;
};

static void one(void *arg, size_t i)
{
	struct log *l = arg;

	l->at_once++;
	if (l->at_once > l->most_at_once)
		l->most_at_once = l->at_once;
	task_yield();
	l->done[i]++;
	l->at_once--;
}

static void all(void *arg)
{
	struct log *l = arg;

	l->rc = gather(MANY, l->width, one, l, &l->err);
}

static void each_is_done_once(void **state)
{
	struct log l = { .width = 3 };

	(void)state;
	in_task(all, &l);
	assert_int_equal(l.rc, 0);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(l.done[i], 1);
}

static void no_more_than_the_width_run_at_once(void **state)
{
	struct log l = { .width = 3 };

	(void)state;
	in_task(all, &l);
	assert_int_equal(l.most_at_once, 3);
}

static void a_width_beyond_the_number_is_fine(void **state)
{
	struct log l = { .width = 1000 };

	(void)state;
	in_task(all, &l);
	assert_int_equal(l.rc, 0);
	assert_int_equal(l.most_at_once, MANY);
}

static void none(void *arg)
{
	struct log *l = arg;

	l->rc = gather(0, 4, one, l, &l->err);
}

static void nothing_to_do_is_done(void **state)
{
	struct log l = { .rc = -1 };

	(void)state;
	in_task(none, &l);
	assert_int_equal(l.rc, 0);
}

static void sleep_for_ever(void *arg, size_t i)
{
	struct log *l = arg;

	l->done[i]++;
	l->cancelled += task_sleep_until(MONO_NEVER, NULL) < 0;
}

static void sleep_all(void *arg)
{
	struct log *l = arg;

	l->rc = gather(MANY, 4, sleep_for_ever, l, &l->err);
}

static void cancel_soon(void *arg)
{
	struct task *t = task_start(task_loop(), "sleepers", sleep_all, arg);

	for (int i = 0; i < 5; i++)
		task_yield();
	task_cancel(t);
	task_join(t);
}

static void a_cancel_reaches_those_that_run_and_begins_no_other(void **state)
{
	struct log l = { .rc = 0 };
	int begun = 0;

	(void)state;
	in_task(cancel_soon, &l);
	assert_int_equal(l.rc, -1);
	assert_int_equal(l.err.kind, ERR_CANCELLED);
	assert_int_equal(l.cancelled, 4);
	for (int i = 0; i < MANY; i++)
		begun += l.done[i];
	assert_int_equal(begun, 4);
	err_reset(&l.err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_done_once),
		cmocka_unit_test(no_more_than_the_width_run_at_once),
		cmocka_unit_test(a_width_beyond_the_number_is_fine),
		cmocka_unit_test(nothing_to_do_is_done),
		cmocka_unit_test(
			a_cancel_reaches_those_that_run_and_begins_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
