/* SPDX-License-Identifier: MIT */
/* Tests of engine/state/run_status.c. */
#include "engine/state/run_status.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/state/journal.h"
#include "engine/state/state_dir.h"
#include "tests/unit/in_task.h"
#include "tests/unit/remove_tree.h"
#include "tests/unit/test.h"
#include "transport/base/lockfile.h"
#include "transport/base/xalloc.h"

#define NOW 1000.0
#define EVENT(t, kind, rest)                                                \
	"{\"v\":1,\"t\":" #t ",\"mono_ms\":" #t ",\"run\":\"r\",\"event\":" \
	"\"" kind "\"" rest "}\n"
#define START(t, guest)                           \
	EVENT(t, "run-start",                     \
	      ",\"guest\":\"" guest "\",\"source" \
	      "\":\"hosta\",\"destination\":\"hostb\"")
#define RESULT(t, guest, outcome) \
	EVENT(t, "result",        \
	      ",\"guest\":\"" guest "\",\"outcome\":\"" outcome "\"")

static char state_dir[64], dir[96];
static struct recordings list;
static struct run_status *all;
static int held[4];
static size_t n_held;

static int make_dir(void **state)
{
	(void)state;
	snprintf(state_dir, sizeof(state_dir), "/tmp/run-status.XXXXXX");
	if (!mkdtemp(state_dir))
		return -1;
	snprintf(dir, sizeof(dir), "%s/recordings", state_dir);
	return mkdir(dir, 0700);
}

static int remove_dir(void **state)
{
	(void)state;
	while (n_held)
		close_fd(held[--n_held]);
	free(all);
	all = NULL;
	recordings_free(&list);
	return remove_tree(state_dir);
}

TEST_FIXTURE(make_dir, remove_dir);

static void add(const char *run, const char *text)
{
	AUTO_FREE char *path = xasprintf("%s/%s.jsonl", dir, run);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* Its engine lives until the test has ended. */
static void hold(const char *run)
{
	AUTO_FREE char *path = xasprintf("%s/%s.jsonl", dir, run);
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0 && n_held < ARRAY_SIZE(held));
	assert_int_equal(lockfile_take(fd), 0);
	held[n_held++] = fd;
}

static void leave_a_journal(const char *run)
{
	AUTO_FREE char *run_dir = state_dir_run(state_dir, run);
	AUTO_FREE char *path = state_dir_journal(state_dir, run);
	struct journal *j;

	assert_int_equal(state_dir_make(run_dir, NULL), 0);
	j = journal_create(path, NULL);
	assert_non_null(j);
	assert_int_equal(journal_append(j, JOURNAL_BEGIN, NULL, NULL), 0);
	journal_close(j);
}

static void read_all(void)
{
	struct err err = { 0 };

	if (recordings_read(state_dir, &list, &err) < 0)
		fail_with_err(&err);
	all = run_status_all(state_dir, &list, NOW);
}

static size_t at(const char *run)
{
	for (size_t i = 0; i < list.n; i++) {
		if (!strcmp(list.v[i].run, run))
			return i;
	}
	fail_msg("no run %s", run);
	return 0;
}

static const struct run_status *of(const char *run)
{
	return &all[at(run)];
}

static bool is_shown(const char *run, const char *word)
{
	return run_status_is_shown(all, list.n, at(run), word);
}

/* --- one run -------------------------------------------------------------- */

TEST(before_the_first_phase_it_connects)
{
	add("run-1", START(1, "web1"));
	hold("run-1");
	read_all();
	assert_string_equal(of("run-1")->phase, "connect");
	assert_string_equal(of("run-1")->source, "hosta");
	assert_string_equal(of("run-1")->destination, "hostb");
	assert_null(of("run-1")->outcome);
	assert_true(isnan(of("run-1")->left_bytes));
}

TEST(what_the_result_says_of_the_hosts_counts)
{
	add("run-1",
	    START(1, "web1") EVENT(2, "result",
				   ",\"outcome\":\"migrated\",\"source\":\"a\","
				   "\"destination\":\"b\",\"owner\":\"x\""));
	read_all();
	assert_string_equal(of("run-1")->source, "a");
	assert_string_equal(of("run-1")->destination, "b");
	assert_string_equal(of("run-1")->owner, "x");
	assert_string_equal(of("run-1")->outcome, "migrated");
}

/* A sample comes several times a pass. */
TEST(a_sample_is_fresher_than_the_pass)
{
	add("run-1",
	    START(1, "web1") EVENT(2, "pass",
				   ",\"number\":3,\"remaining_bytes\":100,"
				   "\"bandwidth_bps\":7")
		    EVENT(3, "sample",
			  ",\"pass\":4,\"remaining_bytes\":50,"
			  "\"total_bytes\":900,\"bandwidth_bps\":null"));
	read_all();
	assert_true(of("run-1")->pass == 4);
	assert_true(of("run-1")->left_bytes == 50);
	assert_true(of("run-1")->total_bytes == 900);
	assert_true(of("run-1")->bandwidth_bps == 7);
}

TEST(what_it_expects_counts_from_now_and_only_while_it_runs)
{
	static const char text[] = START(900, "web1") EVENT(
		990, "pass", ",\"number\":1,\"eta_p50_s\":15,\"eta_p90_s\":5");

	add("run-1", text);
	add("run-2", text);
	hold("run-1");
	read_all();
	assert_true(of("run-1")->forecast);
	assert_true(of("run-1")->eta_p50_s == 5);
	/* it should be over by now */
	assert_true(of("run-1")->eta_p90_s == 0);
	assert_false(of("run-2")->forecast);
	assert_true(isnan(of("run-2")->eta_p50_s));
}

TEST(the_reason_is_the_newest_sentence)
{
	add("run-1", START(1, "a") EVENT(3, "pass", ",\"why\":\"pass\"")
			     EVENT(2, "decision", ",\"why\":\"decision\""));
	add("run-2", START(1, "b") EVENT(2, "decision", ",\"why\":\"decision\"")
			     EVENT(3, "warning",
				   ",\"name\":\"wait\",\"text\":\"waits\""));
	add("run-3", START(1, "c") EVENT(2, "decision", ",\"why\":\"decision\"")
			     EVENT(3, "warning",
				   ",\"name\":\"other\",\"text\":\"warns\""));
	add("run-4", START(1, "d") EVENT(3, "decision", ",\"why\":\"decision\"")
			     EVENT(4, "result", ",\"decision\":\"the end\""));
	add("run-5", START(1, "e"));
	/* a pass is judged at once: the decision comes after it */
	add("run-6", START(1, "f") EVENT(2, "pass", ",\"why\":\"pass\"")
			     EVENT(2, "decision", ",\"why\":\"decision\""));
	read_all();
	assert_string_equal(of("run-1")->why, "pass");
	assert_string_equal(of("run-2")->why, "waits");
	assert_string_equal(of("run-3")->why, "decision");
	assert_string_equal(of("run-4")->why, "the end");
	assert_null(of("run-5")->why);
	assert_string_equal(of("run-6")->why, "decision");
}

/* --- unfinished ----------------------------------------------------------- */

TEST(a_dead_run_with_a_journal_is_unfinished)
{
	add("run-1", START(1, "web1"));
	add("run-2", START(1, "web2"));
	leave_a_journal("run-1");
	read_all();
	assert_true(of("run-1")->unfinished);
	assert_true(run_status_is_open(of("run-1")));
	assert_false(of("run-2")->unfinished);
	assert_false(run_status_is_open(of("run-2")));
}

TEST(while_the_engine_lives_nobody_else_has_to_do_with_it)
{
	add("run-1", START(1, "web1"));
	leave_a_journal("run-1");
	hold("run-1");
	read_all();
	assert_false(of("run-1")->unfinished);
	assert_true(run_status_is_open(of("run-1")));
}

/* --- overtaken ------------------------------------------------------------ */

TEST(a_later_run_of_the_guest_overtakes)
{
	add("run-1", START(1, "web1") RESULT(2, "web1", "failed"));
	add("run-2", START(3, "web1") RESULT(4, "web1", "migrated"));
	add("run-3", START(5, "web2") RESULT(6, "web2", "migrated"));
	read_all();
	assert_true(of("run-1")->overtaken);
	assert_false(of("run-2")->overtaken);
	assert_false(of("run-3")->overtaken);
}

TEST(a_run_that_was_turned_away_overtakes_nothing)
{
	add("run-1", START(1, "web1") RESULT(2, "web1", "failed"));
	add("run-2", START(3, "web1") RESULT(4, "web1", "refused"));
	add("run-3", START(5, "web1") RESULT(6, "web1", "busy"));
	read_all();
	assert_false(of("run-1")->overtaken);
}

TEST(one_that_has_not_ended_overtakes)
{
	add("run-1", START(1, "web1") RESULT(2, "web1", "failed"));
	add("run-2", START(3, "web1"));
	read_all();
	assert_true(of("run-1")->overtaken);
}

/* --- shown ---------------------------------------------------------------- */

TEST(the_latest_of_each_guest_is_shown)
{
	add("run-1", START(1, "web1") RESULT(2, "web1", "failed"));
	add("run-2", START(3, "web1") RESULT(4, "web1", "migrated"));
	add("run-3", START(1, "web2") RESULT(2, "web2", "migrated"));
	read_all();
	assert_false(is_shown("run-1", NULL));
	assert_true(is_shown("run-2", NULL));
	assert_true(is_shown("run-3", NULL));
}

TEST(a_word_chooses_a_guest_or_that_very_run)
{
	add("run-1", START(1, "web1") RESULT(2, "web1", "failed"));
	add("run-2", START(3, "web1") RESULT(4, "web1", "migrated"));
	add("run-3", START(1, "web2") RESULT(2, "web2", "migrated"));
	read_all();
	assert_true(is_shown("run-2", "web1"));
	assert_false(is_shown("run-1", "web1"));
	assert_false(is_shown("run-3", "web1"));
	assert_true(is_shown("run-1", "run-1"));
	assert_false(is_shown("run-2", "run-1"));
}

TEST(an_open_run_is_shown_though_it_was_overtaken)
{
	add("run-1", START(1, "web1"));
	leave_a_journal("run-1");
	add("run-2", START(3, "web1") RESULT(4, "web1", "migrated"));
	read_all();
	assert_true(is_shown("run-1", NULL));
	assert_true(is_shown("run-2", NULL));
}

TEST(a_refused_run_does_not_hide_one_under_way)
{
	add("run-1", START(1, "web1"));
	hold("run-1");
	add("run-2", START(3, "web1") RESULT(4, "web1", "busy"));
	read_all();
	assert_true(is_shown("run-1", NULL));
	assert_false(is_shown("run-2", NULL));
}

TEST(of_two_that_are_closed_the_one_heard_of_last_is_shown)
{
	add("run-1", START(1, "web1") RESULT(9, "web1", "failed"));
	add("run-2", START(3, "web1") RESULT(4, "web1", "refused"));
	read_all();
	assert_true(is_shown("run-1", NULL));
	assert_false(is_shown("run-2", NULL));
}

TEST(of_two_of_the_same_moment_one_is_shown)
{
	add("run-1", START(1, "web1") RESULT(2, "web1", "failed"));
	add("run-2", START(1, "web1") RESULT(2, "web1", "failed"));
	read_all();
	assert_true(is_shown("run-1", NULL));
	assert_false(is_shown("run-2", NULL));
}
