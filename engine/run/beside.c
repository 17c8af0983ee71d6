/* SPDX-License-Identifier: MIT */
/* beside: independent questions side by side. */
#include "engine/run/beside.h"

#include <stdbool.h>
#include <stdlib.h>

#include "transport/base/task.h"
#include "transport/base/xalloc.h"

struct asked {
	const struct beside *question;
	struct waitq *ended; /* woken at the end of each */
	struct task *task;   /* NULL: joined */
	int rc;
	struct err err;
};

static void ask(void *arg)
{
	struct asked *a = arg;

	a->rc = a->question->ask(a->question->arg, &a->err);
	waitq_wake_all(a->ended);
}

static void begin(struct asked *a, const struct beside *question,
		  struct waitq *ended)
{
	*a = (struct asked){ .question = question, .ended = ended };
	a->task = task_start(task_loop(), "beside", ask, a);
}

static bool is_under_way(const struct asked *a)
{
	return a->task && !task_ended(a->task);
}

static void end(struct asked *a, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (a[i].task)
			task_cancel(a[i].task);
	}
	for (size_t i = 0; i < n; i++)
		task_join(STEAL(a[i].task));
}

/* It may go better alone. */
static bool is_refused(const struct asked *a)
{
	return a->rc < 0 && a->err.kind == ERR_REMOTE;
}

/* How many of the first are not known to be in vain. */
static size_t wanted(const struct asked *a, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!is_under_way(&a[i]) && a[i].rc < 0 && !is_refused(&a[i]))
			return i + 1;
	}
	return n;
}

static bool any_under_way(const struct asked *a, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (is_under_way(&a[i]))
			return true;
	}
	return false;
}

/* Until none is under way; *n becomes the number of those that count. */
static int await(struct asked *a, size_t *n, struct waitq *ended,
		 struct err *err)
{
	for (;;) {
		size_t all = *n;

		*n = wanted(a, all);
		end(a + *n, all - *n);
		if (!any_under_way(a, *n))
			return 0;
		if (task_wait_queue(ended, MONO_NEVER, err) < 0)
			return -1;
	}
}

/* One after the other, those that were refused beside others. */
static void ask_again(struct asked *a, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!is_refused(&a[i]))
			continue;
		err_reset(&a[i].err);
		a[i].rc = a[i].question->ask(a[i].question->arg, &a[i].err);
		if (a[i].rc < 0)
			return;
	}
}

int beside_ask(const struct beside *list, size_t n, struct err *err)
{
	struct asked *a = xcalloc(n, sizeof(*a));
	struct waitq ended = { .first = NULL };
	size_t count = n;
	int rc;

	for (size_t i = 0; i < n; i++)
		begin(&a[i], &list[i], &ended);
	rc = await(a, &count, &ended, err);
	end(a, count);
	if (rc == 0 && n > 1)
		ask_again(a, count);
	for (size_t i = 0; i < n; i++) {
		if (rc == 0 && a[i].rc < 0) {
			err_move(err, &a[i].err);
			rc = -1;
		}
		err_reset(&a[i].err);
	}
	free(a);
	return rc;
}
