/* SPDX-License-Identifier: MIT */
/* Tests of engine/state/recording_read.c. */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/state/recording.h"
#include "engine/state/recording_read.h"
#include "tests/unit/in_task.h"
#include "tests/unit/remove_tree.h"
#include "transport/base/xalloc.h"

#define UUID "11111111-2222-3333-4444-555555555555"
#define EVENT(t, kind, rest)                                                \
	"{\"v\":1,\"t\":" #t ",\"mono_ms\":" #t ",\"run\":\"r\",\"event\":" \
	"\"" kind "\"" rest "}\n"
#define START(t, guest) EVENT(t, "run-start", ",\"guest\":\"" guest "\"")
#define FACTS(t, guest, uuid) \
	EVENT(t, "facts", ",\"guest\":\"" guest "\",\"uuid\":" uuid)
#define PASS(t, n) EVENT(t, "pass", ",\"number\":" #n)
#define RESULT(t, guest) EVENT(t, "result", ",\"guest\":\"" guest "\"")

static char state_dir[64], dir[96];
static struct recordings list;

static int make_dir(void **state)
{
	(void)state;
	snprintf(state_dir, sizeof(state_dir), "/tmp/recording-read.XXXXXX");
	if (!mkdtemp(state_dir))
		return -1;
	snprintf(dir, sizeof(dir), "%s/recordings", state_dir);
	return mkdir(dir, 0700);
}

static int remove_dir(void **state)
{
	(void)state;
	recordings_free(&list);
	return remove_tree(state_dir);
}

TEST_FIXTURE(make_dir, remove_dir);

static void add(const char *name, const char *text)
{
	AUTO_FREE char *path = xasprintf("%s/%s", dir, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void read_all(void)
{
	struct err err = { 0 };

	if (recordings_read(state_dir, &list, &err) < 0)
		fail_with_err(&err);
}

static const struct recording_view *only(void)
{
	read_all();
	assert_int_equal(list.n, 1);
	return &list.v[0];
}

/* --- one file ------------------------------------------------------------ */

TEST(the_last_event_of_each_kind_is_kept)
{
	const struct recording_view *v;

	add("run-1.jsonl", START(1, "web1") PASS(2, 1) PASS(3, 2));
	v = only();
	assert_string_equal(v->run, "run-1");
	assert_true(recording_number(v, EVENT_PASS, "number") == 2);
	assert_true(v->started_s == 1);
	assert_true(v->updated_s == 3);
	assert_null(v->last[EVENT_RESULT]);
}

TEST(a_half_written_last_line_does_not_count)
{
	static const char half[] = START(1, "web1") PASS(2, 1) PASS(3, 2);

	for (size_t cut = strlen(START(1, "web1") PASS(2, 1));
	     cut < sizeof(half) - 1; cut++) {
		AUTO_FREE char *text = xstrndup(half, cut);
		const struct recording_view *v;

		add("run-1.jsonl", text);
		v = only();
		assert_true(recording_number(v, EVENT_PASS, "number") == 1);
		recordings_free(&list);
	}
}

TEST(unknown_kinds_and_members_are_passed_over)
{
	add("run-1.jsonl",
	    EVENT(0, "novelty", ",\"x\":1") START(1, "web1")
		    EVENT(2, "pass", ",\"number\":\"many\",\"why\":7"));
	assert_true(isnan(recording_number(only(), EVENT_PASS, "number")));
	assert_null(recording_text(&list.v[0], EVENT_PASS, "why"));
}

TEST(a_line_that_is_no_json_counts_for_none)
{
	add("run-1.jsonl", START(1, "web1") "{\"event\":\"result\",\n");
	assert_int_equal(only()->state, RECORDING_BROKEN);
}

TEST(one_with_a_result_has_ended)
{
	add("run-1.jsonl", START(1, "web1") RESULT(2, "web1"));
	assert_int_equal(only()->state, RECORDING_ENDED);
}

TEST(a_result_of_a_recovery_is_unlike_an_engines)
{
	add("run-1.jsonl", START(1, "web1") RESULT(2, "web1"));
	add("run-2.jsonl",
	    START(2, "web1") EVENT(3, "result", ",\"recovered\":true"));
	add("run-3.jsonl",
	    START(3, "web1") EVENT(4, "result", ",\"recovered\":7"));
	read_all();
	assert_false(recording_is_recovered(&list.v[2]));
	assert_true(recording_is_recovered(&list.v[1]));
	assert_false(recording_is_recovered(&list.v[0]));
}

TEST(one_is_read_alone)
{
	struct recording_view v;

	add("run-1.jsonl", START(1, "web1") RESULT(2, "web1"));
	assert_true(recording_view_read(state_dir, "run-1", &v));
	assert_string_equal(v.run, "run-1");
	recording_view_free(&v);
	assert_false(recording_view_read(state_dir, "run-2", &v));
	recording_view_free(&v);
	assert_false(recording_view_read("/nonexistent", "run-1", &v));
	recording_view_free(&v);
}

TEST(one_that_is_held_is_under_way)
{
	struct recording *r = recording_new("run-1");
	struct err err = { 0 };

	recording_put(r, "{\"event\":\"run-start\",\"guest\":\"web1\",\"t\":1}",
		      false);
	assert_int_equal(recording_begin(r, state_dir, &err), 0);
	assert_int_equal(only()->state, RECORDING_RUNNING);
	recordings_free(&list);
	recording_close(r);
	assert_int_equal(only()->state, RECORDING_BROKEN);
}

TEST(one_that_reported_its_end_has_ended_though_it_is_held)
{
	struct recording *r = recording_new("run-1");

	recording_put(r, "{\"event\":\"run-start\",\"t\":1}", false);
	recording_put(r, "{\"event\":\"result\",\"t\":2}", false);
	assert_int_equal(recording_begin(r, state_dir, NULL), 0);
	assert_int_equal(only()->state, RECORDING_ENDED);
	recording_close(r);
}

/* --- whose it is --------------------------------------------------------- */

TEST(the_name_is_in_facts_and_the_result)
{
	add("run-1.jsonl", START(1, "pid:7"));
	add("run-2.jsonl", START(2, "pid:7") FACTS(3, "web1", "null"));
	add("run-3.jsonl", START(3, "pid:7") RESULT(4, "web2"));
	read_all();
	assert_string_equal(recording_guest(&list.v[2]), "pid:7");
	assert_string_equal(recording_guest(&list.v[1]), "web1");
	assert_string_equal(recording_guest(&list.v[0]), "web2");
}

TEST(it_is_found_by_id_name_uuid_and_word)
{
	const struct recording_view *v;

	add("run-1.jsonl", START(1, "pid:7") FACTS(2, "web1", "\"" UUID "\""));
	v = only();
	assert_true(recording_is_of(v, "run-1"));
	assert_true(recording_is_of(v, "web1"));
	assert_true(recording_is_of(v, UUID));
	assert_true(recording_is_of(v, "pid:7"));
	assert_false(recording_is_of(v, "web"));
}

TEST(guests_of_one_name_are_distinguished_by_uuid)
{
	add("run-1.jsonl", START(1, "web1") FACTS(2, "web1", "\"a\""));
	add("run-2.jsonl", START(2, "web1") FACTS(3, "web1", "\"b\""));
	add("run-3.jsonl", START(3, "web1"));
	read_all();
	assert_false(recording_same_guest(&list.v[1], &list.v[2]));
	assert_true(recording_same_guest(&list.v[0], &list.v[1]));
}

TEST(guests_of_two_users_are_two)
{
	add("run-1.jsonl", START(1, "web1") FACTS(2, "web1", "\"a\""));
	add("run-2.jsonl",
	    START(2, "web1") FACTS(3, "web1", "\"a\",\"uid\":7"));
	add("run-3.jsonl",
	    START(3, "web1") FACTS(4, "web1", "\"a\",\"uid\":8"));
	add("run-4.jsonl",
	    START(4, "web1") FACTS(5, "web1", "\"a\",\"uid\":7"));
	read_all();
	assert_true(recording_same_guest(&list.v[0], &list.v[2]));
	assert_false(recording_same_guest(&list.v[0], &list.v[1]));
	assert_false(recording_same_guest(&list.v[1], &list.v[2]));
	assert_true(recording_may_be_of_user(&list.v[2], 7));
	assert_false(recording_may_be_of_user(&list.v[2], 8));
	/* an earlier version does not say */
	assert_true(recording_same_guest(&list.v[0], &list.v[3]));
	assert_true(recording_same_guest(&list.v[3], &list.v[1]));
	assert_true(recording_may_be_of_user(&list.v[3], 7));
}

/* --- the directory ------------------------------------------------------- */

TEST(the_latest_start_comes_first)
{
	add("run-1.jsonl", START(5, "a"));
	add("run-2.jsonl", START(9, "a"));
	add("run-3.jsonl", START(7, "a"));
	read_all();
	assert_int_equal(list.n, 3);
	assert_string_equal(list.v[0].run, "run-2");
	assert_string_equal(list.v[1].run, "run-3");
	assert_string_equal(list.v[2].run, "run-1");
}

TEST(no_directory_is_an_empty_list)
{
	assert_int_equal(rmdir(dir), 0);
	read_all();
	assert_int_equal(list.n, 0);
}

TEST(what_is_no_recording_is_passed_over)
{
	AUTO_FREE char *fifo = xasprintf("%s/fifo.jsonl", dir);
	AUTO_FREE char *link = xasprintf("%s/link.jsonl", dir);

	add("run-1.jsonl", START(1, "web1"));
	add("run-1.txt", START(1, "web1"));
	add("empty.jsonl", "");
	add("garbage.jsonl", "\n\n{\"event\":\"\n\x01\xff\n\"event\":\"\n");
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(symlink("run-1.jsonl", link), 0);
	assert_string_equal(only()->run, "run-1");
}

TEST(a_directory_that_others_may_change_is_not_read)
{
	struct err err = { 0 };

	assert_int_equal(chmod(dir, 0777), 0);
	assert_int_equal(recordings_read(state_dir, &list, &err), -1);
	expect_err_kind(&err, ERR_SYSTEM, "cannot be trusted");
}

/* --- what to replay ------------------------------------------------------ */

TEST(any_run_is_replayed_by_its_id)
{
	add("run-1.jsonl", START(1, "web1"));
	read_all();
	assert_ptr_equal(recordings_to_replay(&list, "run-1"), &list.v[0]);
}

TEST(a_guest_means_its_latest_run_that_copied_and_ended)
{
	add("run-1.jsonl", START(1, "a") PASS(2, 1) RESULT(3, "a"));
	add("run-2.jsonl", START(2, "a") PASS(3, 1) RESULT(4, "a"));
	add("run-3.jsonl", START(3, "a") RESULT(4, "a"));
	add("run-4.jsonl", START(4, "a") PASS(5, 1));
	add("run-5.jsonl", START(5, "b") PASS(6, 1) RESULT(7, "b"));
	read_all();
	assert_string_equal(recordings_to_replay(&list, "a")->run, "run-2");
	assert_null(recordings_to_replay(&list, "c"));
}
