/* SPDX-License-Identifier: MIT */
/* retry: when a migration that was turned back is worth another try. */
#include <stdlib.h>

#include "engine/run/migrate_options.h"
#include "engine/run/retry.h"
#include "engine/run/run.h"
#include "engine/run/stage.h"
#include "transport/host.h"
#include "tests/unit/qmp_fixture.h"
#include "transport/base/task.h"
#include "transport/host_open.h"

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

/* Its time is up, and half a second is not yet. */
IN_TASK(a_deadline_that_is_over_leaves_none)
{
	assert_false(pays_by(39.99, true));
	assert_true(pays_by(40.5, true));
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
	assert_true(retry_fits(300, 150, 0));
	assert_false(retry_fits(300, 151, 0));
}

/* --- beginning again ------------------------------------------------------ */

/* A run whose source answers, and whose first try has just been undone. */
static struct scene undone;
static void (*change)(struct run *r);
static bool began;

static void begin_again(struct qmp *q)
{
	struct run *r = &undone.run;

	set(&undone, 2000, 1000);
	r->src.qmp = q;
	r->source.guest.label = (char[]){ "web1" };
	r->source.facts.first_status.running = true;
	r->tries.paused_ms = 20;
	if (change)
		change(r);
	began = retry_begin(r, &undone.err);
}

static bool begins(void (*how)(struct run *r))
{
	change = how;
	with_script(&(struct fake_options){ .version = NULL }, NULL, 0,
		    begin_again);
	free(undone.run.tries.first_failure);
	strv_free(&undone.result.leftovers);
	if (!began)
		assert_int_equal(undone.err.kind, ERR_BUDGET);
	else
		assert_int_equal(undone.err.kind, ERR_NONE);
	err_reset(&undone.err);
	return began;
}

static void keep_as_before(struct run *r)
{
	r->result->passes = 7;
	r->result->transferred_bytes = 7;
	r->attempt.migrating = true;
}

TEST(what_is_as_before_begins_again_as_if_for_the_first_time)
{
	assert_true(begins(keep_as_before));
	assert_false(undone.run.attempt.turned_back);
	assert_false(undone.run.attempt.migrating);
	assert_int_equal(undone.result.passes, -1);
	assert_int_equal(undone.result.transferred_bytes, -1);
	assert_true(undone.result.earlier_pause_ms == 20);
}

static void leave_something(struct run *r)
{
	strv_push(&r->result->leftovers, "a directory");
}

static void lose_sight(struct run *r)
{
	r->source.unsure = true;
}

static void see_it_stop(struct run *r)
{
	r->attempt.clock.stop_seen = true;
}

static void find_it_paused(struct run *r)
{
	r->source.facts.first_status.running = false;
}

static void log_in_again(struct run *r)
{
	r->dest.reconnected = true;
}

static void end_the_guest(struct run *r)
{
	r->source.ended = true;
	r->source.guest.pid = -1;
	r->src.host = host_local_new();
}

static void pause_too_long(struct run *r)
{
	r->tries.paused_ms = r->opt->max_blackout_ms;
}

TEST(what_is_not_as_before_does_not_begin_again)
{
	assert_false(begins(leave_something));
	assert_false(begins(lose_sight));
	assert_false(begins(see_it_stop));
	assert_false(begins(find_it_paused));
	assert_false(begins(log_in_again));
	assert_false(begins(pause_too_long));
}

TEST(a_guest_that_ended_does_not_begin_again)
{
	assert_false(begins(end_the_guest));
	host_close(undone.run.src.host);
}

static void begin_cancelled(void *arg)
{
	bool *answer = arg;
	struct scene s;

	set(&s, 2000, 1000);
	while (!task_cancel_asked())
		task_yield();
	*answer = retry_begin(&s.run, &s.err);
	expect_err_kind(&s.err, ERR_CANCELLED, "cancelled");
}

IN_TASK(a_cancel_while_it_was_undone_ends_it)
{
	bool answer = true;
	struct task *t =
		task_start(task_loop(), "begin", begin_cancelled, &answer);

	task_cancel(t);
	task_join(t);
	assert_false(answer);
}

/* --- ending as the first -------------------------------------------------- */

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

TEST(one_that_copied_reports_itself)
{
	assert_int_equal(explained(ERR_NETWORK, PHASE_PRECOPY), ERR_NETWORK);
	assert_int_equal(explained(ERR_ENDED, PHASE_LAUNCH), ERR_ENDED);
	assert_int_equal(explained(ERR_CANCELLED, PHASE_LAUNCH), ERR_CANCELLED);
}

TEST(it_goes_back_to_the_launch)
{
	assert_string_equal(stage_table[stage_first_again()].name, "launch");
}
