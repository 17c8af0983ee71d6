/* SPDX-License-Identifier: MIT */
/* task_pool: does the same thing to many, several at a time. */
#include "transport/base/task_pool.h"

#include <stdlib.h>

#include "transport/base/task.h"
#include "transport/base/xalloc.h"

struct pool {
	void (*fn)(void *arg, size_t i);
	void *arg;
	size_t n;
	size_t next; /* not begun yet */
	size_t working;
	struct waitq ended;
};

/* One worker takes the next index until none is left. */
static void work(void *arg)
{
	struct pool *p = arg;

	while (p->next < p->n && !task_cancel_asked())
		p->fn(p->arg, p->next++);
	p->working--;
	waitq_wake_all(&p->ended);
}

int task_pool_run(size_t n, size_t width, void (*fn)(void *arg, size_t i),
		  void *arg, struct err *err)
{
	struct pool p = { .fn = fn, .arg = arg, .n = n };
	struct task **workers;
	int rc = 0;

	if (width > n)
		width = n;
	workers = xcalloc(width + 1, sizeof(struct task *));
	p.working = width;
	for (size_t i = 0; i < width; i++)
		workers[i] = task_start(task_loop(), "pool worker", work, &p);
	while (p.working && !rc)
		rc = task_wait_queue(&p.ended, MONO_NEVER, err);
	for (size_t i = 0; i < width; i++) {
		if (rc < 0)
			task_cancel(workers[i]);
	}
	for (size_t i = 0; i < width; i++)
		task_join(workers[i]);
	free(workers);
	return rc;
}
