/* SPDX-License-Identifier: MIT */
/*
 * task: stackful coroutines on a loop.
 *
 * Theory of operation. The control plane is one thread and one loop, and
 * nothing on it may block; yet a login, a hand-over or a rollback is a
 * sequence, and reads best as one. So each such activity is a task with a
 * stack of its own. A call that would block parks the task (task_wait) and the
 * loop runs others; there is no preemption, so code between two waits is
 * atomic. Every wait has a deadline, and task_cancel() ends the present or
 * next wait with ERR_CANCELLED, so that unwinding is ordinary error handling.
 * What must not be interrupted (undoing a migration) runs between
 * task_shield() and task_unshield().
 *
 * A task's stack is TASK_STACK_BYTES with a guard page below. Tasks belong to
 * the thread of their loop; no function here may be called from another.
 */
#ifndef TRANSPORT_BASE_TASK_H
#define TRANSPORT_BASE_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/base/clock.h"
#include "transport/base/err.h"
#include "transport/base/loop.h"

enum { TASK_STACK_BYTES = 256 * 1024 };

struct task;

/* Tasks that wait for something to happen; zeroed is empty. */
struct waitq {
	struct task *first;
	struct task *last;
};

/*
 * Starts @fn(@arg); it first runs at the loop's next turn. @name is for logs
 * and must outlive the task. The handle is released by task_join() or
 * task_detach(), exactly one of them.
 */
struct task *task_start(struct loop *loop, const char *name,
			void (*fn)(void *arg), void *arg);
/* The task that runs now, NULL outside of any. */
struct task *task_self(void);
struct loop *task_loop(void);

/* Asks @t to end; it learns of it at its present or next wait. */
void task_cancel(struct task *t);
/* True when somebody asked the present task to end, shielded or not. */
bool task_cancel_asked(void);
/* Between the two, waits ignore a cancel; pairs nest. */
void task_shield(void);
void task_unshield(void);

/* Waits (uncancellable, without a deadline) until @t has ended; frees it. */
void task_join(struct task *t);
/* Lets @t free itself when it ends. */
void task_detach(struct task *t);
bool task_ended(const struct task *t);

/*
 * Parks the present task until @fd has one of @events (EPOLLIN, EPOLLOUT),
 * @queue is woken, or @deadline passes. fd -1 and queue NULL: just sleeps.
 * Returns 0 when something happened, -1 with ERR_TIMEOUT or ERR_CANCELLED.
 * EPOLLERR and EPOLLHUP count as any event.
 */
struct task_wait {
	int fd;
	uint32_t events;
	struct waitq *queue;
	struct mono deadline;
};
int task_wait(const struct task_wait *w, struct err *err);

int task_wait_fd(int fd, uint32_t events, struct mono deadline,
		 struct err *err);
int task_wait_queue(struct waitq *q, struct mono deadline, struct err *err);
/* Returns 0 at the deadline, -1 with ERR_CANCELLED. */
int task_sleep_until(struct mono deadline, struct err *err);
/* Lets every other runnable task run once. */
void task_yield(void);

void waitq_wake_all(struct waitq *q);

/* A lock between tasks, first come first served; zeroed is free. */
struct task_lock {
	bool held;
	struct waitq waiters;
};
int task_lock(struct task_lock *l, struct mono deadline, struct err *err);
void task_unlock(struct task_lock *l);

#endif
