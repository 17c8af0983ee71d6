/* SPDX-License-Identifier: MIT */
/* beside: questions side by side, and what comes of those that fail. */
#include "engine/run/beside.h"

#include "tests/unit/in_task.h"
#include "transport/base/clock.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

enum { MOST = 4 };

/* What one question does, and what was seen of it. */
struct part {
	enum err_kind fails; /* ERR_NONE: it goes well */
	bool waits;	     /* until it is let go, or cancelled */
	bool needs_all;	     /* waits until all of them have begun */
	bool fails_once;
	int asked;
	bool alone; /* the last time that it was asked */
	bool cancelled;
};

static struct part parts[MOST];
static struct beside list[MOST];
static size_t n_parts, begun, under_way;
static bool let_go;
static struct waitq changed;

static int await(const bool *flag, struct err *err)
{
	while (!*flag) {
		if (task_wait_queue(&changed, IN_TASK_SOON, err) < 0)
			return -1;
	}
	return 0;
}

static int await_all(struct err *err)
{
	while (begun < n_parts) {
		if (task_wait_queue(&changed, IN_TASK_SOON, err) < 0)
			return -1;
	}
	return 0;
}

static int act(struct part *p, struct err *err)
{
	if ((p->needs_all && await_all(err) < 0) ||
	    (p->waits && await(&let_go, err) < 0)) {
		p->cancelled = err_has(err, ERR_CANCELLED);
		return -1;
	}
	if (p->fails && !(p->fails_once && p->asked > 1))
		return err_set(err, p->fails, "part %d", (int)(p - parts));
	return 0;
}

static int ask(void *arg, struct err *err)
{
	struct part *p = arg;
	int rc;

	p->asked++;
	begun++;
	p->alone = under_way == 0;
	under_way++;
	waitq_wake_all(&changed);
	rc = act(p, err);
	under_way--;
	return rc;
}

static void set(size_t n)
{
	n_parts = n;
	begun = under_way = 0;
	let_go = false;
	for (size_t i = 0; i < MOST; i++) {
		parts[i] = (struct part){ .asked = 0 };
		list[i] = (struct beside){ ask, &parts[i] };
	}
}

static void expect_failure(enum err_kind kind, const char *words)
{
	struct err err = { 0 };

	assert_int_equal(beside_ask(list, n_parts, &err), -1);
	assert_int_equal(under_way, 0);
	expect_err_kind(&err, kind, words);
}

static void expect_success(void)
{
	struct err err = { 0 };

	if (beside_ask(list, n_parts, &err) < 0)
		fail_with_err(&err);
	assert_int_equal(under_way, 0);
}

IN_TASK(all_are_under_way_at_once)
{
	set(4);
	for (size_t i = 0; i < 4; i++)
		parts[i].needs_all = true;
	expect_success();
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(parts[i].asked, 1);
}

IN_TASK(the_first_in_the_list_that_fails_is_the_error)
{
	set(3);
	parts[1].fails = ERR_TIMEOUT;
	parts[2].fails = ERR_NETWORK;
	expect_failure(ERR_TIMEOUT, "part 1");
}

static void let_them_go(void *arg)
{
	(void)arg;
	(void)task_sleep_until(mono_in_ms(30), NULL);
	let_go = true;
	waitq_wake_all(&changed);
}

IN_TASK(one_that_fails_later_but_comes_first_is_the_error)
{
	struct task *t;

	set(2);
	parts[0].waits = true;
	parts[0].fails = ERR_NO_GUEST;
	parts[1].fails = ERR_NETWORK;
	t = task_start(task_loop(), "let go", let_them_go, NULL);
	expect_failure(ERR_NO_GUEST, "part 0");
	task_join(t);
}

IN_TASK(those_behind_a_failure_are_cancelled)
{
	set(3);
	parts[0].fails = ERR_NO_GUEST;
	parts[1].waits = parts[2].waits = true;
	expect_failure(ERR_NO_GUEST, "part 0");
	assert_true(parts[1].cancelled);
	assert_true(parts[2].cancelled);
}

IN_TASK(what_was_refused_is_asked_once_more_alone)
{
	set(3);
	parts[0].fails = parts[2].fails = ERR_REMOTE;
	parts[0].fails_once = parts[2].fails_once = true;
	expect_success();
	assert_int_equal(parts[0].asked, 2);
	assert_int_equal(parts[1].asked, 1);
	assert_int_equal(parts[2].asked, 2);
	assert_true(parts[0].alone);
	assert_true(parts[2].alone);
}

IN_TASK(refused_twice_is_refused)
{
	set(2);
	parts[1].fails = ERR_REMOTE;
	expect_failure(ERR_REMOTE, "part 1");
	assert_int_equal(parts[1].asked, 2);
}

IN_TASK(one_by_itself_is_not_asked_again)
{
	set(1);
	parts[0].fails = ERR_REMOTE;
	expect_failure(ERR_REMOTE, "part 0");
	assert_int_equal(parts[0].asked, 1);
}

static void be_cancelled(void *arg)
{
	(void)arg;
	expect_failure(ERR_CANCELLED, "cancelled");
}

IN_TASK(a_cancel_ends_all_of_them)
{
	struct task *t;

	set(3);
	for (size_t i = 0; i < 3; i++)
		parts[i].waits = true;
	t = task_start(task_loop(), "asks", be_cancelled, NULL);
	while (begun < 3)
		task_yield();
	task_cancel(t);
	task_join(t);
	for (size_t i = 0; i < 3; i++)
		assert_true(parts[i].cancelled);
}

IN_TASK(no_question_is_no_failure)
{
	set(0);
	expect_success();
}
