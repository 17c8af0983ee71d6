/* SPDX-License-Identifier: MIT */
/* retry: when a migration that was turned back is worth another try. */
#include <stdlib.h>

#include "engine/run/retry.h"
#include "engine/run/run.h"
#include "engine/run/stage.h"
#include "tests/unit/in_task.h"
#include "transport/base/task.h"

/* A run that began @spent_ms ago; its try has taken @took_ms of them. */
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

static void set(struct scene *s, int64_t spent_ms, int64_t took_ms)
{
	*s = (struct scene){ .err.kind = ERR_NONE };
	migrate_options_init(&s->opt);
	s->run = (struct run){
		.opt = &s->opt,
		.result = &s->result,
		.started = ago(spent_ms),
		.tries.n = 1,
		.attempt.turned_back = true,
		.attempt.begun_at = ago(took_ms),
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
	s.run.tries.n = 2;
	assert_false(pays(&s));
}

IN_TASK(what_was_not_turned_back_is_not_tried_again)
{
	struct scene s;

	/* given up by the policy: it would not converge the next time either */
	set(&s, 2000, 1000);
	s.run.attempt.turned_back = false;
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

/* 40 s into a run, of which its try has taken 30. */
static bool pays_by(double deadline_s, bool force)
{
	struct scene s;

	set(&s, 40000, 30000);
	s.opt.deadline_s = deadline_s;
	s.run.attempt.wanted.force = force;
	return pays(&s);
}

IN_TASK(the_deadline_must_leave_time_for_another_copy)
{
	assert_false(pays_by(60, false));
	assert_true(pays_by(80, false));
}

IN_TASK(a_deadline_that_lifts_the_budget_leaves_time_enough)
{
	assert_true(pays_by(60, true));
	assert_false(pays_by(30, true));
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

TEST(the_first_pause_is_off_the_budget)
{
	assert_true(retry_fits(300, 20, 0));
	assert_true(retry_fits(300, 20, 270));
	assert_false(retry_fits(300, 20, 280));
}

TEST(half_of_the_budget_must_be_left)
{
	assert_true(retry_fits(300, 149, 0));
	assert_false(retry_fits(300, 151, 0));
}

/* What @kind becomes when a second try failed of it in @phase. */
static enum err_kind explained(enum err_kind kind, enum phase phase)
{
	char over[] = "over";
	struct run r = { .tries.first_failure = over,
			 .course.failed_in = phase };
	AUTO_ERR struct err e = { 0 };

	err_set(&e, kind, "busy over there");
	retry_explain(&r, &e);
	if (e.kind == ERR_BUDGET) {
		assert_string_equal(e.message,
				    "over; a second try did not begin");
		assert_string_equal(e.cause->message, "busy over there");
	}
	return e.kind;
}

TEST(a_second_try_that_did_not_begin_ends_as_the_first)
{
	assert_int_equal(explained(ERR_BUSY, PHASE_LAUNCH), ERR_BUDGET);
	assert_int_equal(explained(ERR_REFUSED, PHASE_LAUNCH), ERR_BUDGET);
	assert_int_equal(explained(ERR_NETWORK, PHASE_TUNNEL), ERR_BUDGET);
}

TEST(one_that_copied_tells_of_itself)
{
	assert_int_equal(explained(ERR_NETWORK, PHASE_PRECOPY), ERR_NETWORK);
	assert_int_equal(explained(ERR_ENDED, PHASE_LAUNCH), ERR_ENDED);
	assert_int_equal(explained(ERR_CANCELLED, PHASE_LAUNCH), ERR_CANCELLED);
}

TEST(it_goes_back_to_the_launch)
{
	assert_string_equal(stage_table[stage_launch].name, "launch");
}
