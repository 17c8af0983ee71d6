/* SPDX-License-Identifier: MIT */
/* replay: one claim a test. */
#include "engine/estimate/replay.h"

#include <glob.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/policy/policy_auto.h"
#include "tests/unit/test.h"
#include "transport/base/buf.h"
#include "transport/base/xalloc.h"

/* A record of passes of one second over 100 MB/s, each leaving @dirty MB. */
static char *record(const double *dirty, size_t n)
{
	struct buf b = { 0 };

	buf_printf(&b, "{\"event\":\"run-start\",\"run\":\"r1\",\"guest\":"
		       "\"g\",\"max_blackout_ms\":300,\"deadline_s\":60,"
		       "\"policy\":\"auto\",\"mono_ms\":1000}\n"
		       "{\"event\":\"something-new\",\"x\":[1]}\n"
		       "{\"event\":\"sample\",\"mono_ms\":1200,\"elapsed_ms\":"
		       "100,\"total_bytes\":1000000000,\"throttle_percent\":0,"
		       "\"downtime_limit_ms\":1}\n");
	for (size_t i = 0; i < n; i++)
		buf_printf(&b,
			   "{\"event\":\"pass\",\"mono_ms\":%zu,\"number\":%zu,"
			   "\"seconds\":1,\"sent_bytes\":100000000,"
			   "\"dirtied_bytes\":%.0f,\"bandwidth_bps\":1e8,"
			   "\"p_converge\":null}\n",
			   2100 + 1000 * i, i + 2, dirty[i] * 1e6);
	return buf_steal(&b);
}

static struct replay *parse(const char *text, int expected, struct err *err)
{
	struct replay *r = XNEW(struct replay);

	assert_int_equal(replay_parse(text, strlen(text), "run", r, err),
			 expected);
	return r;
}

static void drop(struct replay *r)
{
	replay_free(r);
	free(r);
}

TEST(reads_what_the_owner_wanted)
{
	static const double dirty[] = { 100, 100, 100 };
	AUTO_FREE char *text = record(dirty, 3);
	struct replay *r = parse(text, 0, NULL);
	struct policy_facts f = replay_facts(r);

	assert_string_equal(r->guest, "g");
	assert_string_equal(r->run, "r1");
	assert_true(f.budget_ms == 300 && f.deadline_s == 60);
	assert_true(r->ram_bytes == 1e9);
	assert_int_equal(r->history.view.n_passes, 3);
	assert_true(fabs(r->link.bandwidth_bps - 100e6) < 1e6);
	drop(r);
}

TEST(gives_back_what_each_pass_dirtied)
{
	static const double dirty[] = { 90, 80, 20, 85, 3, 88 };
	AUTO_FREE char *text = record(dirty, 6);
	struct replay *r = parse(text, 0, NULL);
	struct simulate_guest g = replay_guest(r);

	for (int i = 0; i < 6; i++) {
		double d = g.dirtied(g.arg, i, i + 1, 0) / 1e6;

		assert_true(fabs(d - dirty[i]) < 0.01 * dirty[i]);
	}
	drop(r);
}

TEST(a_throttle_makes_it_write_less)
{
	static const double dirty[] = { 90, 80, 85, 20, 88 };
	AUTO_FREE char *text = record(dirty, 5);
	struct replay *r = parse(text, 0, NULL);
	struct simulate_guest g = replay_guest(r);

	assert_true(g.dirtied(g.arg, 0, 1, 0.9) <= g.dirtied(g.arg, 0, 1, 0));
	assert_true(g.dirtied(g.arg, 0, 1, 0.99) < g.dirtied(g.arg, 0, 1, 0.9));
	drop(r);
}

TEST(behind_the_end_a_period_goes_on)
{
	AUTO_FREE char *text = NULL;
	double dirty[41];
	struct simulate_guest g;
	struct replay *r;

	for (int i = 0; i < 41; i++)
		dirty[i] = i % 7 < 5 ? 90 : 1;
	text = record(dirty, 41);
	r = parse(text, 0, NULL);
	g = replay_guest(r);
	assert_true(fabs(r->period.seconds - 7) < 0.5);
	/* 48 and 49 are 6 and 0 of their cycle */
	assert_true(g.dirtied(g.arg, 47.9, 48.5, 0) < 20e6);
	assert_true(g.dirtied(g.arg, 50.5, 51.5, 0) > 60e6);
	drop(r);
}

TEST(behind_the_end_a_steady_guest_follows_its_curve)
{
	static const double dirty[] = { 90, 91, 89, 90 };
	AUTO_FREE char *text = record(dirty, 4);
	struct replay *r = parse(text, 0, NULL);
	struct simulate_guest g = replay_guest(r);
	double d = g.dirtied(g.arg, 100, 101, 0);

	assert_true(d > 80e6 && d < 100e6);
	drop(r);
}

TEST(a_steady_guest_follows_its_curve_while_it_was_recorded)
{
	static const double dirty[] = { 90, 91, 89, 90 };
	AUTO_FREE char *text = record(dirty, 4);
	struct replay *r = parse(text, 0, NULL);
	struct simulate_guest g = replay_guest(r);

	for (int i = 0; i < 4; i++) {
		double d = g.dirtied(g.arg, i, i + 1, 0);

		assert_true(d > 80e6 && d < 100e6);
	}
	drop(r);
}

/* More than any guest can: as if it had not been said. */
TEST(a_count_beyond_all_bounds_is_none)
{
	static const double dirty[] = { 90, 2e12 };
	AUTO_FREE char *text = record(dirty, 2);
	struct replay *r = parse(text, 0, NULL);

	assert_int_equal(r->history.view.passes[0].dirty_bytes, 90000000);
	assert_int_equal(r->history.view.passes[1].dirty_bytes, 0);
	drop(r);
}

TEST(what_was_turned_back_before_is_not_part_of_it)
{
	static const double first[] = { 100, 100, 100 }, second[] = { 50, 20 };
	AUTO_FREE char *turned_back = record(first, 3);
	AUTO_FREE char *moved = record(second, 2);
	AUTO_FREE char *both = xasprintf("%s{\"event\":\"phase\",\"from\":"
					 "\"tunnel\",\"to\":\"precopy\"}\n"
					 "%s",
					 turned_back, moved);
	struct replay *r = parse(both, 0, NULL);

	assert_int_equal(r->history.view.n_passes, 2);
	assert_int_equal(r->history.view.passes[0].dirty_bytes, 50000000);
	drop(r);
}

TEST(a_torn_last_line_is_passed_over)
{
	static const double dirty[] = { 90, 80 };
	AUTO_FREE char *text = record(dirty, 2);

	text[strlen(text) - 20] = '\0';
	{
		struct replay *r = parse(text, 0, NULL);

		assert_int_equal(r->history.view.n_passes, 1);
		drop(r);
	}
}

TEST(nonsense_names_its_line)
{
	AUTO_ERR struct err err = { 0 };
	AUTO_FREE char *all = NULL;
	struct replay *r;

	r = parse("{\"event\":\"run-start\"}\nnonsense\n", -1, &err);
	all = err_text(&err);
	assert_int_equal(err.kind, ERR_PROTOCOL);
	assert_non_null(strstr(all, "line 2"));
	drop(r);
}

TEST(a_record_without_a_pass_says_nothing)
{
	AUTO_ERR struct err err = { 0 };
	AUTO_FREE char *text = record(NULL, 0);

	drop(parse(text, -1, &err));
	assert_non_null(strstr(err.message, "no pass"));
}

TEST(odd_numbers_do_no_harm)
{
	static const char *const odd[] = { "-1",     "1e300", "\"x\"", "null",
					   "1e-300", "{}",    "0" };
	static const char start[] = "{\"event\":\"run-start\","
				    "\"max_blackout_ms\":100}\n";

	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		AUTO_FREE char *text =
			xasprintf("%s{\"event\":\"pass\",\"seconds\":%s,"
				  "\"sent_bytes\":%s,\"dirtied_bytes\":%s}\n"
				  "{\"event\":\"pass\",\"seconds\":1,"
				  "\"sent_bytes\":%s,\"dirtied_bytes\":1e7}\n",
				  start, odd[i], odd[i], odd[i], odd[i]);
		struct replay *r = XNEW(struct replay);

		if (replay_parse(text, strlen(text), "run", r, NULL) == 0) {
			struct simulate_guest g = replay_guest(r);
			struct policy_facts f = replay_facts(r);
			struct simulate_outcome o;

			simulate_run(&policy_auto, &f, &g, &r->link, 30, &o);
			assert_true(o.seconds >= 0);
		}
		drop(r);
	}
}

TEST(the_recorded_runs_all_replay)
{
	glob_t found;

	assert_int_equal(glob("tests/data/runs/*.jsonl", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct replay *r = XNEW(struct replay);

		assert_int_equal(replay_read(found.gl_pathv[i], r, NULL), 0);
		assert_true(r->link.bandwidth_bps > 10e6);
		assert_true(r->link.bandwidth_bps < 30e6);
		drop(r);
	}
	globfree(&found);
}

TEST(a_missing_file_is_a_system_error)
{
	AUTO_ERR struct err err = { 0 };
	struct replay *r = XNEW(struct replay);

	assert_int_equal(replay_read("/nonexistent/run", r, &err), -1);
	assert_int_equal(err.kind, ERR_SYSTEM);
	drop(r);
}
