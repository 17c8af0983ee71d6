/* SPDX-License-Identifier: MIT */
/* ram: the start of QEMU's migration, against scripted QEMUs. */
#include "engine/run/ram.h"

#include "engine/run/run.h"
#include "tests/fake/fake_qemu.h"
#include "tests/unit/in_task.h"
#include "tests/unit/qmp_fixture.h"
#include "tests/unit/run_fixture.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

#define STATUS(s) "{\"status\":\"" s "\"}"

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
