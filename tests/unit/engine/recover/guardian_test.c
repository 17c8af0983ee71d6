/* SPDX-License-Identifier: MIT */
/* guardian: how an engine is judged; one claim a test. */
#include "engine/recover/guardian.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/recover/recover.h"
#include "engine/run/guard.h"
#include "tests/unit/in_task.h"
#include "tests/unit/remove_tree.h"
#include "transport/base/log.h"
#include "transport/base/xalloc.h"

/* A hundred on-time ticks are more than the longest silence. */
enum { TICK_MS = 100, MANY = 100 };

static bool is_silent_after(struct guardian_watch *w, int ticks, double each)
{
	bool silent = false;

	while (ticks--)
		silent = guardian_silence(w, each);
	return silent;
}

static bool judged(char state, uint64_t cpu_ms, int sights)
{
	struct guardian_watch w = { .cpu_ms_then = 1000 };
	struct guardian_sight s = { .state = state, .cpu_ms = cpu_ms };
	bool wedged = false;

	while (sights--)
		wedged = guardian_judge(&w, &s);
	return wedged;
}

TEST(silence_is_three_seconds_of_ticks)
{
	struct guardian_watch w = { 0 };

	assert_false(is_silent_after(&w, 29, TICK_MS));
	assert_true(is_silent_after(&w, 1, TICK_MS));
}

TEST(a_time_that_the_guardian_slept_through_is_no_silence)
{
	struct guardian_watch w = { 0 };

	assert_false(is_silent_after(&w, 1, 60000));
	assert_true(is_silent_after(&w, 29, TICK_MS));
}

TEST(a_stopped_engine_is_wedged)
{
	assert_true(judged('T', 1000, 1));
	assert_true(judged('t', 1000, 1));
}

TEST(an_engine_that_sleeps_on_is_wedged)
{
	assert_false(judged('S', 1000, 1));
	assert_true(judged('S', 1000, 3));
	assert_false(judged('D', 1000, 3));
	assert_true(judged('D', 1000, 70));
}

TEST(an_engine_that_waits_for_a_cpu_is_not)
{
	assert_false(judged('R', 1000, MANY));
	assert_false(judged('R', 2500, MANY));
}

TEST(an_engine_that_runs_in_circles_is_wedged)
{
	assert_true(judged('R', 3000, 1));
}

TEST(a_sight_of_it_running_forgives_the_sleep_before)
{
	struct guardian_watch w = { 0 };
	const struct guardian_sight asleep = { .state = 'S' };
	const struct guardian_sight runs = { .state = 'R' };

	assert_false(guardian_judge(&w, &asleep));
	assert_false(guardian_judge(&w, &asleep));
	assert_false(guardian_judge(&w, &runs));
	assert_false(guardian_judge(&w, &asleep));
}

TEST(an_engine_that_cannot_be_seen_is_left_alone)
{
	assert_false(judged(0, 0, MANY));
}

TEST(a_busy_run_is_tried_again_at_once_and_then_more_seldom)
{
	assert_int_equal(guardian_pause_ms(true, 0), 200);
	assert_int_equal(guardian_pause_ms(true, 1), 400);
	assert_int_equal(guardian_pause_ms(true, 1u << 31), 8000);
}

TEST(one_that_is_held_is_tried_again_for_ever)
{
	assert_int_equal(guardian_pause_ms(false, 0), 1000);
	assert_int_equal(guardian_pause_ms(false, 3), 8000);
	assert_int_equal(guardian_pause_ms(false, 1u << 31), 8000);
}

/* --- the end -------------------------------------------------------------- */

static bool is_over_after(enum verdict v, enum err_kind error)
{
	struct recovery r = { .verdict = v };
	const struct recoveries list = { .v = &r, .n = 1 };

	r.result.error.kind = error;
	return guardian_is_over(&list);
}

TEST(what_somebody_else_has_finished_is_over)
{
	const struct recoveries none = { .n = 0 };

	assert_true(guardian_is_over(&none));
}

TEST(what_was_recovered_is_over)
{
	assert_true(is_over_after(VERDICT_ABORT, ERR_NONE));
	assert_true(is_over_after(VERDICT_FINISH, ERR_NONE));
}

TEST(what_a_person_has_to_decide_is_over)
{
	assert_true(is_over_after(VERDICT_PERSON, ERR_NONE));
	assert_true(is_over_after(VERDICT_PERSON, ERR_UNDECIDED));
}

TEST(what_is_held_or_failed_or_busy_is_not_over)
{
	assert_false(is_over_after(VERDICT_HOLD, ERR_NONE));
	assert_false(is_over_after(VERDICT_ABORT, ERR_NETWORK));
	assert_false(is_over_after(VERDICT_PERSON, ERR_BUSY));
}

TEST(what_leaves_something_to_clean_up_is_not_over)
{
	struct recovery r = { .verdict = VERDICT_ABORT };
	const struct recoveries list = { .v = &r, .n = 1 };

	strv_push(&r.result.leftovers, "a QEMU");
	assert_false(guardian_is_over(&list));
	strv_free(&r.result.leftovers);
}

/* --- watching ------------------------------------------------------------- */

static void note_death(void *arg, enum log_level level, const char *side,
		       const char *text)
{
	bool *dead = arg;

	(void)level;
	(void)side;
	*dead |= !strcmp(text, "the engine is gone");
}

/* What a guardian takes an engine for that says @words and closes its end. */
static bool is_dead_after(const char *words)
{
	char state[] = "/tmp/vmferry-guardian-XXXXXX";
	struct recoveries out = { 0 };
	struct sentry *sentry;
	bool dead = false;
	int pair[2];

	assert_non_null(mkdtemp(state));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(write(pair[1], words, strlen(words)), strlen(words));
	close(pair[1]);
	log_set_sink(note_death, &dead);
	guardian_run(&(struct guardian_options){ .fd = pair[0],
						 .engine = getpid(),
						 .thread = getpid(),
						 .destination = "local",
						 .recover.word = "run-1",
						 .recover.state_dir = state },
		     &out, &sentry);
	/* there is no journal that says of which guest */
	assert_null(sentry);
	log_set_sink(NULL, NULL);
	recoveries_free(&out);
	close(pair[0]);
	assert_int_equal(remove_tree(state), 0);
	return dead;
}

IN_TASK(an_engine_that_has_finished_is_not_recovered)
{
	assert_false(is_dead_after("d"));
	assert_false(is_dead_after("..d"));
	assert_false(is_dead_after("..m"));
}

IN_TASK(one_that_only_beat_before_it_went_is)
{
	assert_true(is_dead_after(""));
	assert_true(is_dead_after(".."));
}
