/* SPDX-License-Identifier: MIT */
/* in_task: runs a test's body as a task, and looks at errors. */
#include "tests/unit/in_task.h"

#include <stdio.h>
#include <string.h>

#include "transport/base/loop.h"
#include "transport/base/xalloc.h"

void in_task(void (*fn)(void *arg), void *arg)
{
	struct loop *loop = loop_new(NULL);

	assert_non_null(loop);
	loop_run(loop, fn, arg);
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
