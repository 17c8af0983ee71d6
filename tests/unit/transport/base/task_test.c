/* SPDX-License-Identifier: MIT */
/* task: stackful coroutines on a loop. */
#include "transport/base/task.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/in_task.h"
#include "transport/base/buf.h"
#include "transport/base/xalloc.h"

/* What tasks did, in order, as a string. */
static struct buf trace;

static void mark(const char *what)
{
	buf_append(&trace, what, strlen(what));
}

static void expect_trace(const char *expected)
{
	AUTO_FREE char *seen = buf_steal(&trace);

	assert_string_equal(seen, expected);
}

/* A task that waits as asked and keeps what came of it. */
struct waiter {
	struct task_wait wait;
	const char *name;
	bool shielded;
	int rc;
	enum err_kind kind;
	struct task *task;
};

static void wait_body(void *arg)
{
	struct waiter *w = arg;
	AUTO_ERR struct err err = { 0 };

	if (w->shielded)
		task_shield();
	w->rc = task_wait(&w->wait, &err);
	w->kind = err.kind;
	if (w->shielded)
		task_unshield();
	if (w->name)
		mark(w->name);
}

static void start_waiter(struct waiter *w)
{
	w->rc = 1;
	w->task = task_start(task_loop(), "waiter", wait_body, w);
}

/* Lets what was started get as far as its wait. */
static void settle(void)
{
	for (int i = 0; i < 3; i++)
		task_yield();
}

static struct waiter fd_waiter(int fd, uint32_t events)
{
	return (struct waiter){
		.wait = { .fd = fd, .events = events, .deadline = IN_TASK_SOON }
	};
}

static struct waiter queue_waiter(struct waitq *q, const char *name)
{
	return (struct waiter){
		.wait = { .fd = -1, .queue = q, .deadline = IN_TASK_SOON },
		.name = name
	};
}

/* --- starting, ending ---------------------------------------------------- */

static void mark_body(void *arg)
{
	mark(arg);
}

IN_TASK(a_task_first_runs_at_the_next_turn)
{
	struct task *t =
		task_start(task_loop(), "t", mark_body, (char[]){ "t" });

	mark("me ");
	task_join(t);
	expect_trace("me t");
}

IN_TASK(tasks_run_in_the_order_of_their_start)
{
	struct task *t[3];

	for (int i = 0; i < 3; i++) {
		static char names[3][2] = { "a", "b", "c" };

		t[i] = task_start(task_loop(), "t", mark_body, names[i]);
	}
	for (int i = 2; i >= 0; i--)
		task_join(t[i]);
	expect_trace("abc");
}

IN_TASK(joining_an_ended_task_returns_at_once)
{
	struct task *t =
		task_start(task_loop(), "t", mark_body, (char[]){ "t" });

	settle();
	assert_true(task_ended(t));
	task_join(t);
	expect_trace("t");
}

IN_TASK(joining_nothing_is_fine)
{
	task_join(NULL);
}

static void join_body(void *arg)
{
	task_join(arg);
	mark("joined ");
}

IN_TASK(a_join_is_not_cancelled)
{
	struct waitq q = { 0 };
	struct waiter w = queue_waiter(&q, "end ");
	struct task *joiner;

	start_waiter(&w);
	joiner = task_start(task_loop(), "joiner", join_body, w.task);
	settle();
	task_cancel(joiner);
	settle();
	assert_false(task_ended(joiner));
	waitq_wake_all(&q);
	task_join(joiner);
	expect_trace("end joined ");
}

static void yield_body(void *arg)
{
	task_yield();
	task_yield();
	mark(arg);
}

static void start_detached(void *arg)
{
	(void)arg;
	task_detach(task_start(task_loop(), "t", yield_body, (char[]){ "d" }));
	settle();
	settle();
}

TEST(a_detached_task_frees_itself)
{
	struct loop *loop = loop_new(NULL);

	loop_run(loop, start_detached, NULL);
	/* asserts that no task is left */
	loop_free(loop);
	expect_trace("d");
}

IN_TASK(detaching_an_ended_task_frees_it)
{
	struct task *t =
		task_start(task_loop(), "t", mark_body, (char[]){ "t" });

	settle();
	task_detach(t);
	expect_trace("t");
}

static void self_body(void *arg)
{
	*(struct task **)arg = task_self();
}

IN_TASK(a_task_knows_itself)
{
	struct task *seen = NULL;
	struct task *t = task_start(task_loop(), "t", self_body, &seen);

	settle();
	assert_ptr_equal(seen, t);
	assert_ptr_not_equal(task_self(), t);
	task_join(t);
}

TEST(outside_there_is_no_task)
{
	assert_null(task_self());
	assert_false(task_cancel_asked());
}

static int depth(int n)
{
	volatile char frame[1024];

	frame[0] = (char)n;
	return n ? depth(n - 1) + frame[0] - (char)n + 1 : 0;
}

IN_TASK(a_task_has_a_deep_stack)
{
	assert_int_equal(depth(100), 100);
}

IN_TASK(many_tasks_live_at_once)
{
	enum { N = 500 };
	struct waitq q = { 0 };
	struct waiter *w = xcalloc(N, sizeof(*w));

	for (int i = 0; i < N; i++) {
		w[i] = queue_waiter(&q, NULL);
		start_waiter(&w[i]);
	}
	settle();
	waitq_wake_all(&q);
	for (int i = 0; i < N; i++) {
		task_join(w[i].task);
		assert_int_equal(w[i].rc, 0);
	}
	free(w);
}

/* --- waiting ------------------------------------------------------------- */

IN_TASK(an_event_on_a_descriptor_ends_a_wait)
{
	AUTO_FD int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct waiter w = fd_waiter(fd, EPOLLIN);

	start_waiter(&w);
	settle();
	assert_int_equal(w.rc, 1);
	eventfd_write(fd, 1);
	task_join(w.task);
	assert_int_equal(w.rc, 0);
}

IN_TASK(a_ready_descriptor_does_not_wait)
{
	AUTO_FD int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);

	assert_int_equal(task_wait_fd(fd, EPOLLIN, IN_TASK_SOON, NULL), 0);
}

IN_TASK(an_event_wins_over_a_deadline_that_has_passed)
{
	AUTO_FD int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);

	assert_int_equal(task_wait_fd(fd, EPOLLIN, mono_in_ms(-5), NULL), 0);
}

IN_TASK(a_hang_up_ends_a_wait_for_input)
{
	int p[2];
	struct waiter w;

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	w = fd_waiter(p[0], EPOLLIN);
	start_waiter(&w);
	settle();
	close(p[1]);
	task_join(w.task);
	assert_int_equal(w.rc, 0);
	close(p[0]);
}

IN_TASK(two_may_wait_for_input_on_one_descriptor)
{
	AUTO_FD int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct waiter a = fd_waiter(fd, EPOLLIN), b = a;

	start_waiter(&a);
	start_waiter(&b);
	settle();
	eventfd_write(fd, 1);
	task_join(a.task);
	task_join(b.task);
	assert_int_equal(a.rc, 0);
	assert_int_equal(b.rc, 0);
}

/* A socket that can be read but not written, or the reverse. */
IN_TASK(reader_and_writer_of_one_descriptor_wake_each_for_its_own)
{
	struct waiter reader, writer;
	char bytes[4096] = { 0 };
	int s[2];

	assert_int_equal(socketpair(AF_UNIX,
				    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
				    0, s),
			 0);
	while (write(s[0], bytes, sizeof(bytes)) > 0)
		;
	reader = fd_waiter(s[0], EPOLLIN);
	writer = fd_waiter(s[0], EPOLLOUT);
	start_waiter(&reader);
	start_waiter(&writer);
	settle();
	assert_int_equal(write(s[1], "x", 1), 1);
	task_join(reader.task);
	assert_int_equal(reader.rc, 0);
	assert_int_equal(writer.rc, 1);
	while (read(s[1], bytes, sizeof(bytes)) > 0)
		;
	task_join(writer.task);
	assert_int_equal(writer.rc, 0);
	close(s[0]);
	close(s[1]);
}

IN_TASK(one_waiter_that_gives_up_leaves_the_other)
{
	AUTO_FD int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct waiter a = fd_waiter(fd, EPOLLIN), b = a;

	start_waiter(&a);
	start_waiter(&b);
	settle();
	task_cancel(a.task);
	task_join(a.task);
	assert_int_equal(a.kind, ERR_CANCELLED);
	eventfd_write(fd, 1);
	task_join(b.task);
	assert_int_equal(b.rc, 0);
}

IN_TASK(a_descriptor_can_be_waited_for_again_and_again)
{
	AUTO_FD int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	eventfd_t value;

	for (int i = 0; i < 1000; i++) {
		eventfd_write(fd, 1);
		assert_int_equal(task_wait_fd(fd, EPOLLIN, IN_TASK_SOON, NULL),
				 0);
		assert_int_equal(eventfd_read(fd, &value), 0);
	}
}

IN_TASK(a_number_that_was_closed_and_reused_can_be_waited_for)
{
	for (int i = 0; i < 10; i++) {
		AUTO_FD int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);

		assert_int_equal(task_wait_fd(fd, EPOLLIN, IN_TASK_SOON, NULL),
				 0);
	}
}

IN_TASK(a_regular_file_cannot_be_waited_for)
{
	AUTO_FD int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct err err = { 0 };

	assert_int_equal(task_wait_fd(fd, EPOLLIN, IN_TASK_SOON, &err), -1);
	expect_err_kind(&err, ERR_SYSTEM, "cannot wait for a descriptor");
}

IN_TASK(a_deadline_ends_a_wait)
{
	AUTO_FD int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct mono deadline = mono_in_ms(20);
	struct err err = { 0 };

	assert_int_equal(task_wait_fd(fd, EPOLLIN, deadline, &err), -1);
	assert_false(mono_before(mono_now(), deadline));
	expect_err_kind(&err, ERR_TIMEOUT, "timed out");
}

IN_TASK(a_sleep_ends_at_its_deadline)
{
	struct mono deadline = mono_in_ms(5);

	assert_int_equal(task_sleep_until(deadline, NULL), 0);
	assert_false(mono_before(mono_now(), deadline));
}

IN_TASK(a_queue_wakes_all_in_order)
{
	struct waitq q = { 0 };
	struct waiter a = queue_waiter(&q, "a"), b = queue_waiter(&q, "b");

	start_waiter(&a);
	start_waiter(&b);
	settle();
	waitq_wake_all(&q);
	task_join(b.task);
	task_join(a.task);
	expect_trace("ab");
	assert_null(q.first);
	assert_null(q.last);
}

IN_TASK(the_middle_one_can_leave_a_queue)
{
	struct waitq q = { 0 };
	struct waiter w[3];

	for (int i = 0; i < 3; i++) {
		w[i] = queue_waiter(&q, NULL);
		start_waiter(&w[i]);
	}
	settle();
	task_cancel(w[1].task);
	task_cancel(w[2].task);
	settle();
	waitq_wake_all(&q);
	for (int i = 0; i < 3; i++)
		task_join(w[i].task);
	assert_int_equal(w[0].rc, 0);
	assert_int_equal(w[1].kind, ERR_CANCELLED);
	assert_int_equal(w[2].kind, ERR_CANCELLED);
}

IN_TASK(a_wait_for_both_ends_by_the_queue_and_drops_the_descriptor)
{
	AUTO_FD int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct waitq q = { 0 };
	struct waiter w = fd_waiter(fd, EPOLLIN);

	w.wait.queue = &q;
	start_waiter(&w);
	settle();
	waitq_wake_all(&q);
	task_join(w.task);
	assert_int_equal(w.rc, 0);
	eventfd_write(fd, 1);
	assert_int_equal(task_wait_fd(fd, EPOLLIN, IN_TASK_SOON, NULL), 0);
}

IN_TASK(a_wait_for_both_ends_by_the_descriptor_and_leaves_the_queue)
{
	AUTO_FD int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
	struct waitq q = { 0 };
	struct waiter w = fd_waiter(fd, EPOLLIN);

	w.wait.queue = &q;
	start_waiter(&w);
	task_join(w.task);
	assert_int_equal(w.rc, 0);
	assert_null(q.first);
}

/* --- cancelling ---------------------------------------------------------- */

IN_TASK(a_cancel_ends_the_present_wait)
{
	struct waitq q = { 0 };
	struct waiter w = queue_waiter(&q, NULL);

	start_waiter(&w);
	settle();
	task_cancel(w.task);
	task_join(w.task);
	assert_int_equal(w.rc, -1);
	assert_int_equal(w.kind, ERR_CANCELLED);
	assert_null(q.first);
}

IN_TASK(a_cancel_before_the_first_turn_ends_the_next_wait)
{
	struct waitq q = { 0 };
	struct waiter w = queue_waiter(&q, NULL);

	start_waiter(&w);
	task_cancel(w.task);
	task_join(w.task);
	assert_int_equal(w.kind, ERR_CANCELLED);
}

IN_TASK(a_wake_that_came_first_beats_the_cancel)
{
	struct waitq q = { 0 };
	struct waiter w = queue_waiter(&q, NULL);

	start_waiter(&w);
	settle();
	waitq_wake_all(&q);
	task_cancel(w.task);
	task_join(w.task);
	assert_int_equal(w.rc, 0);
}

IN_TASK(a_shielded_wait_goes_on_after_a_cancel)
{
	struct waitq q = { 0 };
	struct waiter w = queue_waiter(&q, NULL);

	w.shielded = true;
	start_waiter(&w);
	settle();
	task_cancel(w.task);
	settle();
	assert_int_equal(w.rc, 1);
	waitq_wake_all(&q);
	task_join(w.task);
	assert_int_equal(w.rc, 0);
}

static void shield_body(void *arg)
{
	struct err *err = arg;

	task_shield();
	task_shield();
	task_unshield();
	assert_int_equal(task_sleep_until(mono_in_ms(1), err), 0);
	assert_true(task_cancel_asked());
	task_unshield();
	assert_int_equal(task_sleep_until(IN_TASK_SOON, err), -1);
}

IN_TASK(a_cancel_waits_for_the_last_shield)
{
	struct err err = { 0 };
	struct task *t = task_start(task_loop(), "t", shield_body, &err);

	task_cancel(t);
	task_join(t);
	expect_err_kind(&err, ERR_CANCELLED, "cancelled");
}

static void stay_cancelled_body(void *arg)
{
	int *n = arg;

	for (int i = 0; i < 5; i++)
		*n += task_sleep_until(IN_TASK_SOON, NULL) < 0;
}

IN_TASK(every_wait_after_a_cancel_fails)
{
	int n = 0;
	struct task *t = task_start(task_loop(), "t", stay_cancelled_body, &n);

	task_cancel(t);
	task_join(t);
	assert_int_equal(n, 5);
}

IN_TASK(cancelling_an_ended_task_does_nothing)
{
	struct task *t =
		task_start(task_loop(), "t", mark_body, (char[]){ "t" });

	settle();
	task_cancel(t);
	task_join(t);
	expect_trace("t");
}

/* --- locks --------------------------------------------------------------- */

struct locker {
	struct task_lock *lock;
	const char *name;
	struct mono deadline;
	int rc;
};

static void lock_body(void *arg)
{
	struct locker *l = arg;

	l->rc = task_lock(l->lock, l->deadline, NULL);
	if (l->rc < 0)
		return;
	mark(l->name);
	task_yield();
	mark(l->name);
	task_unlock(l->lock);
}

IN_TASK(a_lock_keeps_others_out)
{
	struct task_lock lock = { 0 };
	struct locker a = { &lock, "a", IN_TASK_SOON, 1 };
	struct locker b = { &lock, "b", IN_TASK_SOON, 1 };
	struct task *ta = task_start(task_loop(), "a", lock_body, &a);
	struct task *tb = task_start(task_loop(), "b", lock_body, &b);

	task_join(ta);
	task_join(tb);
	expect_trace("aabb");
	assert_false(lock.held);
}

IN_TASK(the_one_who_unlocks_does_not_overtake_those_who_wait)
{
	struct task_lock lock = { 0 };
	struct locker a = { &lock, "a", IN_TASK_SOON, 1 };
	struct task *t;

	assert_int_equal(task_lock(&lock, IN_TASK_SOON, NULL), 0);
	t = task_start(task_loop(), "a", lock_body, &a);
	settle();
	task_unlock(&lock);
	assert_int_equal(task_lock(&lock, IN_TASK_SOON, NULL), 0);
	mark("me");
	task_unlock(&lock);
	task_join(t);
	expect_trace("aame");
}

IN_TASK(waiting_for_a_lock_has_a_deadline)
{
	struct task_lock lock = { 0 };
	struct locker a = { &lock, "a", mono_in_ms(5), 1 };
	struct task *t;

	assert_int_equal(task_lock(&lock, IN_TASK_SOON, NULL), 0);
	t = task_start(task_loop(), "a", lock_body, &a);
	task_join(t);
	assert_int_equal(a.rc, -1);
	task_unlock(&lock);
	assert_false(lock.held);
}

IN_TASK(a_cancelled_waiter_does_not_keep_the_lock)
{
	struct task_lock lock = { 0 };
	struct locker a = { &lock, "a", IN_TASK_SOON, 1 };
	struct task *t;

	assert_int_equal(task_lock(&lock, IN_TASK_SOON, NULL), 0);
	t = task_start(task_loop(), "a", lock_body, &a);
	settle();
	task_cancel(t);
	task_unlock(&lock);
	task_join(t);
	assert_int_equal(a.rc, -1);
	assert_int_equal(task_lock(&lock, IN_TASK_SOON, NULL), 0);
	task_unlock(&lock);
}

/* --- the loop ------------------------------------------------------------ */

static void sleep_body(void *arg)
{
	(void)task_sleep_until(mono_in_ms(*(int *)arg), NULL);
	mark("woke");
}

TEST(a_loop_can_be_driven_by_another)
{
	struct loop *loop = loop_new(NULL);
	int ms = 1000; /* not over before the loop is asked for it */

	assert_int_equal(loop_timeout_ms(loop), -1);
	task_detach(task_start(loop, "t", sleep_body, &ms));
	assert_int_equal(loop_timeout_ms(loop), 0);
	loop_dispatch(loop);
	assert_in_range(loop_timeout_ms(loop), 1, ms);
	while (!buf_len(&trace)) {
		struct pollfd p = { .fd = loop_fd(loop), .events = POLLIN };

		(void)poll(&p, 1, loop_timeout_ms(loop));
		loop_dispatch(loop);
	}
	expect_trace("woke");
	assert_int_equal(loop_timeout_ms(loop), -1);
	loop_free(loop);
}

static void read_body(void *arg)
{
	assert_int_equal(task_wait_fd(*(int *)arg, EPOLLIN, MONO_NEVER, NULL),
			 0);
	mark("read");
}

TEST(the_loops_descriptor_reports_events)
{
	AUTO_FD int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct loop *loop = loop_new(NULL);
	struct pollfd p = { .fd = loop_fd(loop), .events = POLLIN };

	task_detach(task_start(loop, "t", read_body, &fd));
	loop_dispatch(loop);
	assert_int_equal(loop_timeout_ms(loop), -1);
	assert_int_equal(poll(&p, 1, 0), 0);
	eventfd_write(fd, 1);
	assert_int_equal(poll(&p, 1, 0), 1);
	loop_dispatch(loop);
	expect_trace("read");
	/* the descriptor is still readable, and nobody waits for it */
	assert_int_equal(poll(&p, 1, 0), 0);
	loop_free(loop);
}

static void spin_body(void *arg)
{
	while (!*(bool *)arg)
		task_yield();
	mark("seen");
}

static void flag_body(void *arg)
{
	(void)task_sleep_until(mono_in_ms(1), NULL);
	*(bool *)arg = true;
}

IN_TASK(a_busy_task_does_not_starve_deadlines)
{
	bool flag = false;
	struct task *spin = task_start(task_loop(), "s", spin_body, &flag);
	struct task *late = task_start(task_loop(), "l", flag_body, &flag);

	task_join(spin);
	task_join(late);
	expect_trace("seen");
}

static void inner_body(void *arg)
{
	(void)arg;
	mark("inner");
}

TEST(freeing_no_loop_is_fine)
{
	loop_free(NULL);
}

TEST(a_loop_can_run_many_bodies)
{
	struct loop *loop = loop_new(NULL);

	for (int i = 0; i < 3; i++)
		loop_run(loop, inner_body, NULL);
	loop_free(loop);
	expect_trace("innerinnerinner");
}

static size_t mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	size_t n = 0;
	int c;

	assert_non_null(f);
	while ((c = fgetc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	return n;
}

static void nothing(void *arg)
{
	(void)arg;
}

/* Each stack is a mapping and its guard. */
IN_TASK(an_ended_task_gives_its_stack_back)
{
	size_t before = mappings();

	for (int i = 0; i < 100; i++)
		task_join(task_start(task_loop(), "short", nothing, NULL));
	assert_true(mappings() < before + 100);
}
