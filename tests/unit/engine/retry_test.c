/* SPDX-License-Identifier: MIT */
/* retry: when a migration that was turned back is worth another try. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "engine/retry.h"
#include "engine/run.h"
#include "tests/unit/in_task.h"
#include "transport/base/task.h"

/* A run that began @spent_ms ago, and has copied for @copied_ms of them. */
struct scene {
	struct run run;
	struct migrate_options opt;
	struct result result;
	struct err err;
};

static struct mono ago(int64_t ms)
{
	return mono_add_ms(mono_now(), -ms);
}

static void set(struct scene *s, int64_t spent_ms, int64_t copied_ms)
{
	*s = (struct scene){ .result.attempts = 1 };
	migrate_options_init(&s->opt);
	s->run = (struct run){
		.opt = &s->opt,
		.result = &s->result,
		.turned_back = true,
		.started = ago(spent_ms),
		.migrate_at = ago(copied_ms),
	};
	err_set(&s->err, ERR_BUDGET, "over");
}

static bool pays(struct scene *s)
{
	bool answer = retry_pays(&s->run, &s->err);

	err_reset(&s->err);
	return answer;
}

IN_TASK(without_a_deadline_it_is_tried_again)
{
	struct scene s;

	set(&s, 3600000, 3000000);
	assert_true(pays(&s));
}

IN_TASK(there_is_one_more_try_only)
{
	struct scene s;

	set(&s, 2000, 1000);
	s.result.attempts = 2;
	assert_false(pays(&s));
}

IN_TASK(what_was_not_turned_back_is_not_tried_again)
{
	struct scene s;

	/* given up by the policy: it would not converge the next time either */
	set(&s, 2000, 1000);
	s.run.turned_back = false;
	assert_false(pays(&s));
}

IN_TASK(another_failure_ends_it)
{
	struct scene s;

	set(&s, 2000, 1000);
	err_reset(&s.err);
	err_set(&s.err, ERR_FAILED, "the destination died");
	assert_false(pays(&s));
}

IN_TASK(the_deadline_must_leave_time_for_another_copy)
{
	struct scene s;

	set(&s, 40000, 30000);
	s.opt.deadline_s = 60;
	assert_false(pays(&s));
	set(&s, 40000, 30000);
	s.opt.deadline_s = 80;
	assert_true(pays(&s));
}

static void cancelled(void *arg)
{
	bool *answer = arg;
	struct scene s;

	set(&s, 2000, 1000);
	while (!task_cancel_asked())
		task_yield();
	*answer = pays(&s);
}

IN_TASK(who_cancels_wants_no_other_try)
{
	bool answer = true;
	struct task *t;

	t = task_start(task_loop(), "cancelled", cancelled, &answer);
	task_cancel(t);
	task_join(t);
	assert_false(answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_deadline_it_is_tried_again),
		cmocka_unit_test(there_is_one_more_try_only),
		cmocka_unit_test(what_was_not_turned_back_is_not_tried_again),
		cmocka_unit_test(another_failure_ends_it),
		cmocka_unit_test(the_deadline_must_leave_time_for_another_copy),
		cmocka_unit_test(who_cancels_wants_no_other_try),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
