/* SPDX-License-Identifier: MIT */
/* in_task: runs a test's body as a task, and looks at errors. */
#include "tests/unit/in_task.h"

#include <dlfcn.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transport/base/task.h"
#include "transport/base/xalloc.h"

/*
 * Theory of operation. cmocka ends a failed or skipped test by a jump to its
 * own frame, which from the stack of a task leaves the loop in the middle of a
 * turn: the next test that runs a task would end the program. All its macros
 * get there through _fail() or _skip(), which are defined anew here. On a task
 * they park it for good and leave the jump to in_task(), on the stack of
 * cmocka. The loop is given up, its tasks with it.
 */
typedef void jump_fn(const char *file, int line);

static struct {
	struct loop *loop; /* that in_task() runs; NULL: none */
	jump_fn *jump;	   /* how the test ended; NULL: not yet */
	const char *file;
	int line;
} now;

/* Keeps them from being reported as leaks. */
static struct {
	struct loop **v;
	size_t n;
} given_up;

static jump_fn *real(const char *name)
{
	jump_fn *fn;

	*(void **)&fn = dlsym(RTLD_NEXT, name);
	if (!fn)
		abort();
	return fn;
}

__attribute__((noreturn)) static void end_test(const char *name,
					       const char *file, int line)
{
	struct waitq never = { NULL, NULL };

	if (!now.loop || !task_self() || task_loop() != now.loop) {
		real(name)(file, line);
		abort();
	}
	if (!now.jump) {
		now.jump = real(name);
		now.file = file;
		now.line = line;
	}
	task_shield();
	for (;;)
		(void)task_wait_queue(&never, MONO_NEVER, NULL);
}

void _fail(const char *const file, const int line)
{
	end_test("_fail", file, line);
}

void _skip(const char *const file, const int line)
{
	end_test("_skip", file, line);
}

static void give_up(struct loop *loop)
{
	given_up.v = xrealloc(given_up.v, given_up.n + 1, sizeof(loop));
	given_up.v[given_up.n++] = loop;
}

void in_task(void (*fn)(void *arg), void *arg)
{
	struct loop *loop = loop_new(NULL);
	struct pollfd p = { .events = POLLIN };
	struct task *t;

	assert_non_null(loop);
	now.loop = loop;
	now.jump = NULL;
	p.fd = loop_fd(loop);
	t = task_start(loop, "main", fn, arg);
	while (!task_ended(t) && !now.jump) {
		(void)poll(&p, 1, loop_timeout_ms(loop));
		loop_dispatch(loop);
	}
	now.loop = NULL;
	if (now.jump) {
		give_up(loop);
		now.jump(now.file, now.line);
	}
	task_detach(t);
	loop_free(loop);
}

/* fail_msg() jumps away: what it says must not be on the heap. */
static void say(const struct err *err, char *text, size_t size)
{
	AUTO_FREE char *chain = err_text(err);

	(void)snprintf(text, size, "%s: %s", err_kind_name(err->kind), chain);
}

void fail_with_err(struct err *err)
{
	char text[1024];

	say(err, text, sizeof(text));
	err_reset(err);
	fail_msg("%s", text);
}

void expect_err_kind(struct err *err, enum err_kind kind, const char *words)
{
	char text[1024];

	say(err, text, sizeof(text));
	if (err->kind == kind && strstr(text, words)) {
		err_reset(err);
		return;
	}
	err_reset(err);
	fail_msg("\"%s\", not %s with \"%s\"", text, err_kind_name(kind),
		 words);
}
