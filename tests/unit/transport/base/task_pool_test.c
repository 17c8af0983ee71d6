/* SPDX-License-Identifier: MIT */
/* Tests of transport/base/task_pool.c. */
#include <stdint.h>
#include <string.h>

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

	l->rc = task_pool_run(MANY, l->width, one, l, &l->err);
}

TEST(each_is_done_once)
{
	struct log l = { .width = 3 };

	in_task(all, &l);
	assert_int_equal(l.rc, 0);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(l.done[i], 1);
}

TEST(no_more_than_the_width_run_at_once)
{
	struct log l = { .width = 3 };

	in_task(all, &l);
	assert_int_equal(l.most_at_once, 3);
}

TEST(a_width_beyond_the_number_is_fine)
{
	struct log l = { .width = 1000 };

	in_task(all, &l);
	assert_int_equal(l.rc, 0);
	assert_int_equal(l.most_at_once, MANY);
}

static void none(void *arg)
{
	struct log *l = arg;

	l->rc = task_pool_run(0, 4, one, l, &l->err);
}

TEST(nothing_to_do_is_done)
{
	struct log l = { .rc = -1 };

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

	l->rc = task_pool_run(MANY, 4, sleep_for_ever, l, &l->err);
}

static void cancel_soon(void *arg)
{
	struct task *t = task_start(task_loop(), "sleepers", sleep_all, arg);

	for (int i = 0; i < 5; i++)
		task_yield();
	task_cancel(t);
	task_join(t);
}

TEST(a_cancel_reaches_those_that_run_and_begins_no_other)
{
	struct log l = { .rc = 0 };
	int begun = 0;

	in_task(cancel_soon, &l);
	assert_int_equal(l.rc, -1);
	assert_int_equal(l.err.kind, ERR_CANCELLED);
	assert_int_equal(l.cancelled, 4);
	for (int i = 0; i < MANY; i++)
		begun += l.done[i];
	assert_int_equal(begun, 4);
	err_reset(&l.err);
}
