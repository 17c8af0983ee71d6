/* SPDX-License-Identifier: MIT */
/*
 * task: stackful coroutines on an epoll loop. The theory of operation is in
 * task.h; loop.h is the face of the same machine towards its embedder.
 */
#include "transport/base/task.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "transport/base/fiber.h"
#include "transport/base/xalloc.h"

enum task_state { TASK_READY, TASK_RUNNING, TASK_WAITING, TASK_ENDED };
enum task_wake { WAKE_EVENT, WAKE_TIMEOUT, WAKE_CANCEL };

struct task {
	struct loop *loop;
	const char *name;
	void (*fn)(void *arg);
	void *arg;
	enum task_state state;
	bool detached;
	bool cancel_asked;
	int shields;

	ucontext_t context;
	struct fiber fiber;
	void *stack; /* guard page first */

	/* while waiting */
	struct task_wait wait;
	enum task_wake wake;
	struct task *queue_next;

	struct waitq joiners;
	struct task *prev, *next; /* all tasks of the loop, oldest first */
};

struct loop {
	int epoll_fd;
	struct mono now;
	ucontext_t context;
	struct fiber fiber;
	struct task *first, *last;
	unsigned int n_ready;
};

enum { GUARD_BYTES = 4096, EVENTS_PER_TURN = 32 };

static _Thread_local struct task *current;

struct task *task_self(void)
{
	return current;
}

struct loop *task_loop(void)
{
	assert(current);
	return current->loop;
}

/* --- descriptors: several tasks may wait on one -------------------------- */

static uint32_t wanted_events(const struct loop *loop, int fd)
{
	uint32_t events = 0;

	for (const struct task *t = loop->first; t; t = t->next) {
		if (t->state == TASK_WAITING && t->wait.fd == fd)
			events |= t->wait.events;
	}
	return events;
}

/* Brings epoll's idea of @fd in line with @events (0: none). */
static int watch_fd(const struct loop *loop, int fd, uint32_t before,
		    uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };
	int op = EPOLL_CTL_MOD;

	if (before == events)
		return 0;
	if (!before)
		op = EPOLL_CTL_ADD;
	else if (!events)
		op = EPOLL_CTL_DEL;
	return epoll_ctl(loop->epoll_fd, op, fd, &ev);
}

/* --- queues -------------------------------------------------------------- */

static void waitq_push(struct waitq *q, struct task *t)
{
	t->queue_next = NULL;
	if (q->last)
		q->last->queue_next = t;
	else
		q->first = t;
	q->last = t;
}

static void waitq_remove(struct waitq *q, const struct task *t)
{
	struct task *before = NULL;

	for (struct task *i = q->first; i; before = i, i = i->queue_next) {
		if (i != t)
			continue;
		if (before)
			before->queue_next = i->queue_next;
		else
			q->first = i->queue_next;
		if (q->last == i)
			q->last = before;
		return;
	}
}

/* --- waiting and waking -------------------------------------------------- */

static void task_ready(struct task *t, enum task_wake wake)
{
	uint32_t before = 0;

	if (t->state != TASK_WAITING)
		return;
	if (t->wait.fd >= 0)
		before = wanted_events(t->loop, t->wait.fd);
	t->state = TASK_READY;
	t->wake = wake;
	t->loop->n_ready++;
	if (t->wait.queue)
		waitq_remove(t->wait.queue, t);
	if (t->wait.fd >= 0)
		(void)watch_fd(t->loop, t->wait.fd, before,
			       wanted_events(t->loop, t->wait.fd));
}

void waitq_wake_all(struct waitq *q)
{
	while (q->first)
		task_ready(q->first, WAKE_EVENT);
}

static void switch_to_loop(struct task *t)
{
	struct loop *loop = t->loop;

	fiber_leave(&t->fiber, &loop->fiber, t->state == TASK_ENDED);
	swapcontext(&t->context, &loop->context);
	fiber_arrived(&t->fiber);
}

static int cancelled(struct err *err)
{
	return err_set(err, ERR_CANCELLED, "cancelled");
}

int task_wait(const struct task_wait *w, struct err *err)
{
	struct task *t = current;
	uint32_t before = 0;

	assert(t);
	if (t->cancel_asked && !t->shields)
		return cancelled(err);
	if (w->fd >= 0)
		before = wanted_events(t->loop, w->fd);
	t->wait = *w;
	t->state = TASK_WAITING;
	if (w->fd >= 0 &&
	    watch_fd(t->loop, w->fd, before, before | w->events) < 0) {
		t->state = TASK_RUNNING;
		return err_sys(err, errno, "cannot wait for a descriptor");
	}
	if (w->queue)
		waitq_push(w->queue, t);
	switch_to_loop(t);
	if (t->wake == WAKE_CANCEL)
		return cancelled(err);
	if (t->wake == WAKE_TIMEOUT)
		return err_set(err, ERR_TIMEOUT, "timed out");
	return 0;
}

int task_wait_fd(int fd, uint32_t events, struct mono deadline, struct err *err)
{
	struct task_wait w = {
		.fd = fd,
		.events = events,
		.deadline = deadline,
	};

	return task_wait(&w, err);
}

int task_wait_queue(struct waitq *q, struct mono deadline, struct err *err)
{
	struct task_wait w = { .fd = -1, .queue = q, .deadline = deadline };

	return task_wait(&w, err);
}

int task_sleep_until(struct mono deadline, struct err *err)
{
	struct task_wait w = { .fd = -1, .deadline = deadline };
	AUTO_ERR struct err e = { 0 };

	if (task_wait(&w, &e) < 0 && e.kind != ERR_TIMEOUT) {
		err_move(err, &e);
		return -1;
	}
	return 0;
}

/* First come, first served: who runs, or lets others run, goes last. */
static void move_last(struct task *t)
{
	struct loop *loop = t->loop;

	if (t == loop->last)
		return;
	if (t->prev)
		t->prev->next = t->next;
	else
		loop->first = t->next;
	t->next->prev = t->prev;
	t->prev = loop->last;
	t->next = NULL;
	loop->last->next = t;
	loop->last = t;
}

void task_yield(void)
{
	struct task *t = current;

	move_last(t);
	t->state = TASK_READY;
	t->loop->n_ready++;
	switch_to_loop(t);
}

/* --- cancel, join -------------------------------------------------------- */

void task_cancel(struct task *t)
{
	t->cancel_asked = true;
	if (!t->shields)
		task_ready(t, WAKE_CANCEL);
}

bool task_cancel_asked(void)
{
	return current && current->cancel_asked;
}

void task_shield(void)
{
	current->shields++;
}

void task_unshield(void)
{
	assert(current->shields > 0);
	current->shields--;
}

bool task_ended(const struct task *t)
{
	return t->state == TASK_ENDED;
}

static void task_free(struct task *t)
{
	struct loop *loop = t->loop;

	assert(t->prev || loop->first == t);
	assert(t->next || loop->last == t);
	if (t->prev)
		t->prev->next = t->next;
	else
		loop->first = t->next;
	if (t->next)
		t->next->prev = t->prev;
	else
		loop->last = t->prev;
	if (t->stack) {
		fiber_stack_unregister(&t->fiber);
		munmap(t->stack, GUARD_BYTES + TASK_STACK_BYTES);
	}
	free(t);
}

void task_join(struct task *t)
{
	if (!t)
		return;
	task_shield();
	while (!task_ended(t))
		(void)task_wait_queue(&t->joiners, MONO_NEVER, NULL);
	task_unshield();
	task_free(t);
}

void task_detach(struct task *t)
{
	t->detached = true;
	if (task_ended(t))
		task_free(t);
}

/* --- locks --------------------------------------------------------------- */

int task_lock(struct task_lock *l, struct mono deadline, struct err *err)
{
	if (l->held)
		/* task_unlock() hands it over: it is never free for others */
		return task_wait_queue(&l->waiters, deadline, err);
	l->held = true;
	return 0;
}

void task_unlock(struct task_lock *l)
{
	assert(l->held);
	if (l->waiters.first)
		task_ready(l->waiters.first, WAKE_EVENT);
	else
		l->held = false;
}

/* --- starting and running ------------------------------------------------ */

/* makecontext() passes ints only; the task to enter is `current`. */
static void task_entry(void)
{
	struct task *t = current;

	fiber_arrived(&t->fiber);
	t->fn(t->arg);
	t->state = TASK_ENDED;
	waitq_wake_all(&t->joiners);
	switch_to_loop(t);
	abort();
}

struct task *task_start(struct loop *loop, const char *name,
			void (*fn)(void *arg), void *arg)
{
	struct task *t = XNEW(struct task);
	char *stack;

	stack = mmap(NULL, GUARD_BYTES + TASK_STACK_BYTES,
		     PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE,
		     -1, 0);
	if (stack == MAP_FAILED || mprotect(stack, GUARD_BYTES, PROT_NONE))
		abort();
	*t = (struct task){
		.loop = loop,
		.name = name,
		.fn = fn,
		.arg = arg,
		.state = TASK_READY,
		.stack = stack,
		.wait = { .fd = -1 },
		.prev = loop->last,
	};
	getcontext(&t->context);
	t->context.uc_stack.ss_sp = stack + GUARD_BYTES;
	t->context.uc_stack.ss_size = TASK_STACK_BYTES;
	makecontext(&t->context, task_entry, 0);
	fiber_stack_register(&t->fiber, stack + GUARD_BYTES, TASK_STACK_BYTES);
	if (loop->last)
		loop->last->next = t;
	else
		loop->first = t;
	loop->last = t;
	loop->n_ready++;
	return t;
}

static void run_task(struct task *t)
{
	struct loop *loop = t->loop;
	struct task *outer = current;

	t->state = TASK_RUNNING;
	loop->n_ready--;
	current = t;
	fiber_leave(&loop->fiber, &t->fiber, false);
	swapcontext(&loop->context, &t->context);
	fiber_arrived(&loop->fiber);
	current = outer;
	if (t->state == TASK_ENDED && t->detached)
		task_free(t);
}

/* --- the loop ------------------------------------------------------------ */

struct loop *loop_new(struct err *err)
{
	struct loop *loop = XNEW(struct loop);

	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0) {
		err_sys(err, errno, "cannot make an epoll descriptor");
		free(loop);
		return NULL;
	}
	loop->now = mono_now();
	fiber_main(&loop->fiber);
	return loop;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	assert(!loop->first);
	close_fd(loop->epoll_fd);
	free(loop);
}

int loop_fd(const struct loop *loop)
{
	return loop->epoll_fd;
}

int loop_timeout_ms(const struct loop *loop)
{
	struct mono next = MONO_NEVER;

	if (loop->n_ready)
		return 0;
	for (const struct task *t = loop->first; t; t = t->next) {
		if (t->state == TASK_WAITING)
			next = mono_min(next, t->wait.deadline);
	}
	return mono_poll_ms(mono_now(), next);
}

static void wake_fds(struct loop *loop)
{
	struct epoll_event ev[EVENTS_PER_TURN];
	int n = epoll_wait(loop->epoll_fd, ev, EVENTS_PER_TURN, 0);

	for (int i = 0; i < n; i++) {
		uint32_t got = ev[i].events;

		for (struct task *t = loop->first; t; t = t->next) {
			if (t->state == TASK_WAITING &&
			    t->wait.fd == ev[i].data.fd &&
			    (got & (t->wait.events | EPOLLERR | EPOLLHUP)))
				task_ready(t, WAKE_EVENT);
		}
	}
}

static void wake_late(struct loop *loop)
{
	for (struct task *t = loop->first; t; t = t->next) {
		if (t->state == TASK_WAITING &&
		    !mono_before(loop->now, t->wait.deadline))
			task_ready(t, WAKE_TIMEOUT);
	}
}

/*
 * One turn runs each ready task at most once; what becomes ready meanwhile
 * waits for the next turn, so that descriptors and deadlines get their share.
 * A task may free only itself or tasks it joins, hence the restart.
 */
static void run_ready(struct loop *loop)
{
	unsigned int budget = loop->n_ready;

	while (budget--) {
		struct task *t = loop->first;

		/* what was freed is not in the list any more */
		while (t && t->state != TASK_READY) /* NOLINT(*-unix.Malloc) */
			t = t->next;
		if (!t)
			return;
		move_last(t);
		run_task(t);
	}
}

void loop_dispatch(struct loop *loop)
{
	assert(!current);
	loop->now = mono_now();
	wake_fds(loop);
	wake_late(loop);
	run_ready(loop);
}

void loop_run(struct loop *loop, void (*fn)(void *arg), void *arg)
{
	struct pollfd p = { .fd = loop->epoll_fd, .events = POLLIN };
	struct task *t = task_start(loop, "main", fn, arg);

	/* only a detached task frees itself, and this one is not */
	while (!task_ended(t)) { /* NOLINT(*-unix.Malloc) */
		(void)poll(&p, 1, loop_timeout_ms(loop));
		loop_dispatch(loop);
	}
	task_free(t);
}
