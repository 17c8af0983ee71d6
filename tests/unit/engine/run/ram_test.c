/* SPDX-License-Identifier: MIT */
/* ram: the start of QEMU's migration, against scripted QEMUs. */
#include "engine/run/ram.h"

#include <stdio.h>
#include <string.h>

#include "engine/run/run.h"
#include "tests/fake/fake_qemu.h"
#include "tests/unit/in_task.h"
#include "tests/unit/qmp_fixture.h"
#include "tests/unit/run_fixture.h"
#include "transport/base/log.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/stream_fd.h"

#define STATUS(s) "{\"status\":\"" s "\"}"
#define RUNS "{\"status\":\"running\",\"running\":true,\"singlestep\":false}"

static struct run r;
static struct fake_qemu *src, *dst;

static void begin(const struct fake_step *steps, size_t n)
{
	static const struct fake_step leaves = { .leaves = true };
	const struct fake_options as = { .version = NULL };

	src = fake_qemu_start(&as, steps, n);
	dst = fake_qemu_start(&as, &leaves, 1);
	r = (struct run){ .opt = NULL };
	run_fixture_init(&r, src, dst);
}

static void end(void)
{
	run_fixture_fini(&r);
	assert_null(fake_qemu_end(src));
	assert_null(fake_qemu_end(dst));
}

IN_TASK(it_is_asked_until_it_is_out_of_setup)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-migrate", .reply = STATUS("none") },
		{ .expect = "query-migrate", .reply = STATUS("setup") },
		{ .expect = "query-migrate", .reply = STATUS("active") },
		{ .leaves = true },
	};
	struct err err = { 0 };

	begin(steps, ARRAY_SIZE(steps));
	if (ram_started(&r, &err) < 0)
		fail_with_err(&err);
	end();
}

/* Lets go of the answer when another command would have been given up. */
static void answer_late(void *arg)
{
	struct err err = { 0 };

	(void)arg;
	(void)task_sleep_until(mono_in_ms(RUN_QMP_MS + 200), NULL);
	if (qmp_call_oob(r.src.qmp, "query-yank", NULL, NULL, IN_TASK_SOON,
			 &err) < 0)
		fail_with_err(&err);
}

IN_TASK(an_answer_may_take_as_long_as_setup)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-migrate", .hold = true },
		{ .expect = "query-yank", .oob = true, .reply = "[]" },
		{ .release = true, .reply = STATUS("active") },
		{ .leaves = true },
	};
	struct err err = { 0 };
	struct task *t;

	begin(steps, ARRAY_SIZE(steps));
	t = task_start(task_loop(), "answer", answer_late, NULL);
	if (ram_started(&r, &err) < 0)
		fail_with_err(&err);
	task_join(t);
	end();
}

IN_TASK(migrate_itself_may_take_as_long_as_setup)
{
	static const struct fake_step steps[] = {
		{ .expect = "migrate", .hold = true },
		{ .expect = "query-yank", .oob = true, .reply = "[]" },
		{ .release = true, .reply = "{}" },
		{ .leaves = true },
	};
	struct err err = { 0 };
	struct task *t;

	begin(steps, ARRAY_SIZE(steps));
	t = task_start(task_loop(), "answer", answer_late, NULL);
	if (ram_migrate(&r, "fd:migration", &err) < 0)
		fail_with_err(&err);
	task_join(t);
	end();
}

/* --- the undo ------------------------------------------------------------- */

static void undo(void)
{
	struct err err = { 0 };

	r.attempt.migrating = true;
	if (ram_undo(&r, &err) < 0)
		fail_with_err(&err);
	assert_false(r.attempt.migrating);
	assert_false(r.source.unsure);
	assert_string_equal(r.result->state, "RUNNING");
}

IN_TASK(it_is_undone_when_the_guest_runs_again)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-migrate", .reply = STATUS("active") },
		{ .expect = "migrate_cancel" },
		{ .expect = "query-migrate", .reply = STATUS("cancelled") },
		{ .expect = "query-status", .reply = RUNS },
		{ .leaves = true },
	};

	begin(steps, ARRAY_SIZE(steps));
	undo();
	end();
}

#define COPIED \
	"{\"status\":\"postmigrate\",\"running\":false,\"singlestep\":false}"

IN_TASK(a_source_whose_image_is_locked_is_continued_once_it_is_not)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-migrate", .reply = STATUS("completed") },
		{ .expect = "query-status", .reply = COPIED },
		{ .expect = "cont", .error = "Failed to get \"write\" lock" },
		{ .expect = "query-status", .reply = COPIED },
		{ .expect = "cont" },
		{ .expect = "query-status", .reply = RUNS },
		{ .leaves = true },
	};

	begin(steps, ARRAY_SIZE(steps));
	undo();
	end();
}

IN_TASK(one_that_cannot_be_continued_for_another_reason_is_not)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-migrate", .reply = STATUS("completed") },
		{ .expect = "query-status", .reply = COPIED },
		{ .expect = "cont", .error = "no medium" },
		{ .leaves = true },
	};
	struct err err = { 0 };

	begin(steps, ARRAY_SIZE(steps));
	r.attempt.migrating = true;
	assert_int_equal(ram_undo(&r, &err), -1);
	expect_err_kind(&err, ERR_UNDECIDED, "was not seen running");
	assert_true(r.source.unsure);
	err_reset(&err);
	end();
}

IN_TASK(what_was_not_begun_needs_no_undo)
{
	static const struct fake_step steps[] = { { .leaves = true } };
	struct err err = { 0 };

	begin(steps, ARRAY_SIZE(steps));
	assert_int_equal(ram_undo(&r, &err), 0);
	end();
}

/* The line of the log that reports a yank as failed, or "". */
static char yank_failed[100];

static void keep_yank(void *arg, enum log_level level, const char *side,
		      const char *text)
{
	(void)arg;
	(void)level;
	(void)side;
	if (strstr(text, "yank failed"))
		(void)snprintf(yank_failed, sizeof(yank_failed), "%s", text);
}

/* The first session gives no answer of use, so that the second one yanks. */
static void undo_with_a_yank(const struct fake_step *yank)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-migrate", .error = "hangs" },
		{ .expect = "query-migrate", .reply = STATUS("failed") },
		{ .expect = "query-status", .reply = RUNS },
		{ .leaves = true },
	};
	const struct fake_options as = { .version = NULL };
	struct fake_qemu *second = fake_qemu_start(&as, yank, 2);
	int fd = fake_qemu_take_fd(second);

	yank_failed[0] = '\0';
	log_set_sink(keep_yank, NULL);
	begin(steps, ARRAY_SIZE(steps));
	r.src.rescue =
		qmp_open(stream_fd_new(fd, fd), "source", IN_TASK_SOON, NULL);
	assert_non_null(r.src.rescue);
	undo();
	qmp_close(r.src.rescue);
	end();
	assert_null(fake_qemu_end(second));
	log_set_sink(NULL, NULL);
}

IN_TASK(a_yank_that_succeeds_is_not_reported_as_failed)
{
	static const struct fake_step yank[] = {
		{ .expect = "yank", .oob = true },
		{ .leaves = true },
	};

	undo_with_a_yank(yank);
	assert_string_equal(yank_failed, "");
}

IN_TASK(a_yank_that_fails_is_reported_and_the_source_asked_once_more)
{
	static const struct fake_step yank[] = {
		{ .expect = "yank", .oob = true, .error = "no such instance" },
		{ .leaves = true },
	};

	undo_with_a_yank(yank);
	assert_non_null(strstr(yank_failed, "refused yank"));
}
