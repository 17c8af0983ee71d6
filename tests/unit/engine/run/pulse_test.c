/* SPDX-License-Identifier: MIT */
/* pulse: whether the destination answers, against a scripted QEMU. */
#include "engine/run/pulse.h"

#include "engine/run/run.h"
#include "tests/fake/fake_qemu.h"
#include "tests/unit/in_task.h"
#include "tests/unit/qmp_fixture.h"
#include "tests/unit/run_fixture.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

#define INMIGRATE                                                       \
	{                                                               \
		.expect = "query-status",                               \
		.reply = "{\"status\":\"inmigrate\",\"running\":false," \
			 "\"singlestep\":false}"                        \
	}

static struct run r;
static struct fake_qemu *src, *dst;

static void begin(const struct fake_step *steps, size_t n)
{
	static const struct fake_step leaves = { .leaves = true };
	const struct fake_options as = { .version = NULL };

	src = fake_qemu_start(&as, &leaves, 1);
	dst = fake_qemu_start(&as, steps, n);
	r = (struct run){ .opt = NULL };
	run_fixture_init(&r, src, dst);
	pulse_begin(&r);
}

static void end(void)
{
	pulse_end(&r);
	assert_null(r.attempt.pulse);
	run_fixture_fini(&r);
	assert_null(fake_qemu_end(src));
	assert_null(fake_qemu_end(dst));
}

static void await(void)
{
	AUTO_ERR struct err err = { 0 };

	expect_ok(pulse_await(&r, SOON, &err), &err);
}

static bool is_fresh(void)
{
	struct qmp_status st = { .state = RUN_OTHER };
	bool fresh = pulse_is_fresh(&r, &st);

	assert_true(!fresh || st.state == RUN_INMIGRATE);
	return fresh;
}

IN_TASK(an_answer_is_fresh)
{
	static const struct fake_step steps[] = { INMIGRATE,
						  { .leaves = true } };

	begin(steps, ARRAY_SIZE(steps));
	assert_false(is_fresh());
	await();
	assert_true(is_fresh());
	end();
}

IN_TASK(who_waits_has_the_next_question_asked_at_once)
{
	static const struct fake_step steps[] = { INMIGRATE,
						  INMIGRATE,
						  { .leaves = true } };

	begin(steps, ARRAY_SIZE(steps));
	await();
	/* it rests now */
	task_yield();
	await();
	assert_true(is_fresh());
	end();
}

/* Lets go of the answer that the script keeps back. */
static void let_go(void *arg)
{
	AUTO_ERR struct err err = { 0 };

	(void)arg;
	(void)task_sleep_until(mono_in_ms(PULSE_FRESH_MS + 50), NULL);
	expect_ok(qmp_call_oob(r.dst.qmp, "query-yank", NULL, NULL, SOON, &err),
		  &err);
}

IN_TASK(an_answer_ages_from_when_its_question_was_sent)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-status", .hold = true },
		{ .expect = "query-yank", .oob = true, .reply = "[]" },
		{ .release = true,
		  .reply = "{\"status\":\"inmigrate\",\"running\":false,"
			   "\"singlestep\":false}" },
		{ .leaves = true },
	};

	struct task *t;

	begin(steps, ARRAY_SIZE(steps));
	t = task_start(task_loop(), "let go", let_go, NULL);
	await();
	assert_false(is_fresh());
	assert_true(pulse_asks(&r));
	task_join(t);
	end();
}

IN_TASK(a_lost_monitor_ends_it)
{
	static const struct fake_step steps[] = {
		INMIGRATE,
		{ .expect = "query-status", .close = true },
	};

	begin(steps, ARRAY_SIZE(steps));
	await();
	assert_true(is_fresh());
	/* woken by its end */
	await();
	assert_false(is_fresh());
	assert_false(pulse_asks(&r));
	end();
}

IN_TASK(without_one_nothing_is_fresh)
{
	struct qmp_status st;
	struct run none = { .opt = NULL };

	assert_false(pulse_is_fresh(&none, &st));
	assert_false(pulse_asks(&none));
	pulse_end(&none);
}
