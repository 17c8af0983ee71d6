/* SPDX-License-Identifier: MIT */
/* Tests of engine/state/moved.c and its script. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/state/moved.h"
#include "engine/state/state_dir.h"
#include "tests/unit/remove_tree.h"
#include "tests/unit/test.h"
#include "transport/base/buf.h"
#include "transport/base/path_part.h"
#include "transport/base/xalloc.h"
#include "transport/quote.h"

static const char uuid_a[] = "11111111-2222-3333-4444-555555555555";
static char place[40];
static struct moved got;

static int setup(void **s)
{
	(void)s;
	strcpy(place, "/tmp/moved-XXXXXX");
	return mkdtemp(place) ? 0 : -1;
}

static int teardown(void **s)
{
	(void)s;
	moved_free(&got);
	return remove_tree(place);
}

TEST_FIXTURE(setup, teardown);

static struct moved mark(const char *run, const char *guest, const char *uuid,
			 double when)
{
	return (struct moved){
		.run = (char *)run,
		.guest = (char *)guest,
		.uuid = (char *)uuid,
		.uid = geteuid(),
		.user = (char *)"me",
		.source = (char *)"hosta",
		.destination = (char *)"root@hostb",
		.machine = (char *)"m",
		.pid = 7,
		.ticks = 8,
		.moved_s = when,
	};
}

static void put(const char *run, const char *guest, const char *uuid,
		double when)
{
	struct moved m = mark(run, guest, uuid, when);

	assert_int_equal(moved_write(place, &m, NULL), 0);
}

static void put_of(uid_t uid, const char *user, const char *run,
		   const char *guest, const char *uuid, double when)
{
	struct moved m = mark(run, guest, uuid, when);

	m.uid = uid;
	m.user = (char *)user;
	assert_int_equal(moved_write(place, &m, NULL), 0);
}

static int find(const char *word)
{
	moved_free(&got);
	return moved_find(place, word, &got, NULL);
}

TEST(without_marks_nothing_is_found)
{
	assert_int_equal(find("a"), 0);
	assert_false(moved_is_marked(place, "run-1"));
}

TEST(a_damaged_mark_can_be_removed)
{
	AUTO_FREE char *path = xasprintf("%s/moved/run-1", place);
	FILE *f;

	put("run-1", "a", "", 100);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(MOVED_FIRST_LINE "run=run-1\nguest=a\001b\n", f) > 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(find("a?b"), 1);
	assert_string_equal(got.guest, "a?b");
	assert_int_equal(moved_forget(place, &got, NULL), 0);
	assert_false(moved_is_marked(place, "run-1"));
}

TEST(a_mark_is_found_by_name_and_by_uuid)
{
	put("run-1", "a", uuid_a, 100);
	assert_int_equal(find("a"), 1);
	assert_string_equal(got.run, "run-1");
	assert_string_equal(got.destination, "root@hostb");
	assert_int_equal(got.pid, 7);
	assert_int_equal(got.ticks, 8);
	assert_true(got.moved_s > 99 && got.moved_s < 101);
	assert_int_equal(find(uuid_a), 1);
	assert_int_equal(find("b"), 0);
	assert_int_equal(find(""), 0);
	assert_true(moved_is_marked(place, "run-1"));
}

TEST(of_several_the_newest_is_found)
{
	put("run-1", "a", "", 300);
	put("run-2", "a", uuid_a, 200);
	assert_int_equal(find("a"), 1);
	assert_string_equal(got.run, "run-1");
	put("run-3", "a", uuid_a, 400);
	assert_int_equal(find("a"), 1);
	assert_string_equal(got.run, "run-3");
	/* the same guest's earlier one is gone */
	assert_false(moved_is_marked(place, "run-2"));
	assert_true(moved_is_marked(place, "run-1"));
}

TEST(a_mark_is_its_users_alone)
{
	AUTO_FREE char *dir = state_dir_moved(place);
	AUTO_FREE char *path = xasprintf("%s/run-1", dir);
	struct stat st;

	put("run-1", "a", "", 1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
}

TEST(a_guest_that_is_back_has_none)
{
	struct moved m = mark("", "a", "", 0);

	put("run-1", "a", "", 1);
	put("run-2", "b", "", 1);
	put("run-3", "a", uuid_a, 1);
	assert_int_equal(moved_forget(place, &m, NULL), 0);
	assert_false(moved_is_marked(place, "run-1"));
	assert_true(moved_is_marked(place, "run-2"));
	assert_true(moved_is_marked(place, "run-3"));
}

/* --- guests of several users ---------------------------------------------- */

TEST(another_users_guest_takes_no_mark_away)
{
	struct moved m = mark("", "a", uuid_a, 0);

	put("run-1", "a", uuid_a, 1);
	put("run-2", "b", "", 1);
	put_of(4242, "alice", "run-3", "a", uuid_a, 2);
	put_of(4242, "alice", "run-4", "b", "", 2);
	for (int i = 1; i <= 4; i++) {
		AUTO_FREE char *run = xasprintf("run-%d", i);

		assert_true(moved_is_marked(place, run));
	}
	m.uid = 4242;
	assert_int_equal(moved_forget(place, &m, NULL), 0);
	assert_true(moved_is_marked(place, "run-1"));
	assert_false(moved_is_marked(place, "run-3"));
}

TEST(the_asking_users_own_guest_is_found)
{
	put("run-1", "a", uuid_a, 1);
	put_of(4242, "alice", "run-2", "a", uuid_a, 2);
	assert_int_equal(find("a"), 1);
	assert_string_equal(got.run, "run-1");
	assert_int_equal(find(uuid_a), 1);
	assert_string_equal(got.run, "run-1");
	assert_int_equal(find("alice/a"), 1);
	assert_string_equal(got.run, "run-2");
	assert_string_equal(got.user, "alice");
	assert_int_equal(got.uid, 4242);
	assert_int_equal(find("me/a"), 1);
	assert_string_equal(got.run, "run-1");
}

TEST(another_users_is_found_where_there_is_no_own)
{
	put_of(4242, "alice", "run-2", "a", "", 2);
	assert_int_equal(find("a"), 1);
	assert_string_equal(got.run, "run-2");
	assert_int_equal(find("me/a"), 0);
}

TEST(guests_of_two_users_that_are_called_so_are_noted)
{
	put_of(4242, "alice", "run-1", "a", uuid_a, 3);
	put_of(4242, "alice", "run-2", "a", "", 2);
	assert_int_equal(find("a"), 1);
	assert_false(got.is_one_of_several);
	put_of(4243, "bob", "run-3", "a", "", 1);
	assert_int_equal(find("a"), 1);
	assert_string_equal(got.run, "run-1");
	assert_true(got.is_one_of_several);
	assert_int_equal(find("bob/a"), 1);
	assert_false(got.is_one_of_several);
	/* an own one is meant */
	put("run-4", "a", "", 0);
	assert_int_equal(find("a"), 1);
	assert_string_equal(got.run, "run-4");
	assert_false(got.is_one_of_several);
}

/* As version 0.1 wrote it. */
static void put_early(const char *run, const char *guest)
{
	AUTO_FREE char *path = xasprintf("%s/moved/%s", place, run);
	FILE *f;

	put(run, guest, "", 1);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fprintf(f,
			    MOVED_FIRST_LINE
			    "run=%s\nguest=%s\nuuid=\nsource=hosta\n"
			    "destination=root@hostb\nmachine=m\n"
			    "pid=7\nticks=8\nmoved=100\n",
			    run, guest) > 0);
	assert_int_equal(fclose(f), 0);
}

TEST(a_mark_without_a_user_is_of_its_files)
{
	struct moved m = mark("", "a", "", 0);

	put_early("run-1", "a");
	assert_int_equal(find("a"), 1);
	assert_int_equal(got.uid, geteuid());
	m.uid = 4242;
	assert_int_equal(moved_forget(place, &m, NULL), 0);
	assert_true(moved_is_marked(place, "run-1"));
	m.uid = geteuid();
	assert_int_equal(moved_forget(place, &m, NULL), 0);
	assert_false(moved_is_marked(place, "run-1"));
}

TEST(a_name_forges_no_line)
{
	put("run-1", "a\nuuid=11111111-2222-3333-4444-555555555555", "", 1);
	assert_int_equal(find(uuid_a), 0);
}

TEST(a_name_is_found_by_its_key)
{
	struct moved m = mark("", "a?b", "", 0);

	put("run-1", "a\tb", "", 1);
	assert_int_equal(find("a?b"), 0);
	assert_int_equal(find("a\tb"), 1);
	assert_string_equal(got.guest, "a?b");
	assert_int_equal(find("me/a?b"), 0);
	assert_int_equal(find("me/a\tb"), 1);
	/* another guest, whose name is cleaned to the same text */
	assert_int_equal(moved_forget(place, &m, NULL), 0);
	assert_true(moved_is_marked(place, "run-1"));
	assert_int_equal(moved_forget(place, &got, NULL), 0);
	assert_false(moved_is_marked(place, "run-1"));
}

TEST(a_mark_says_what_the_guest_is_on_the_destination)
{
	struct moved m = mark("run-1", "a", uuid_a, 1);

	m.there_key = (char *)"web1-b";
	m.there_uuid = (char *)"22222222-2222-3333-4444-555555555555";
	assert_int_equal(moved_write(place, &m, NULL), 0);
	assert_int_equal(find("a"), 1);
	assert_string_equal(got.key, "a");
	assert_string_equal(got.there_key, "web1-b");
	assert_string_equal(got.there_uuid,
			    "22222222-2222-3333-4444-555555555555");
}

/* --- what others may read ------------------------------------------------- */

static int find_published(const char *word)
{
	moved_free(&got);
	return moved_find_published(place, word, &got, NULL);
}

static void publish(const char *run, const char *guest, bool leaving)
{
	struct moved m = mark(run, guest, "", 1);

	m.leaving = leaving;
	assert_int_equal(moved_publish(place, &m, NULL), 0);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

TEST(what_is_published_is_for_all_to_read_and_for_none_to_write)
{
	AUTO_FREE char *dir = state_dir_away(place);
	AUTO_FREE char *path = state_dir_away_mark(place, "run-1");

	publish("run-1", "a", false);
	assert_int_equal(mode_of(place), 0711);
	assert_int_equal(mode_of(dir), 0755);
	assert_int_equal(mode_of(path), 0644);
	/* it is no mark of the run's own */
	assert_false(moved_is_marked(place, "run-1"));
	assert_int_equal(find_published("a"), 1);
	assert_string_equal(got.destination, "root@hostb");
	assert_string_equal(got.machine, "");
	assert_false(got.leaving);
}

TEST(a_guest_that_leaves_is_published_until_it_stays)
{
	publish("run-1", "a", true);
	publish("run-2", "b", true);
	assert_int_equal(find_published("a"), 1);
	assert_true(got.leaving);
	assert_int_equal(moved_retract(place, "run-1", NULL), 0);
	assert_int_equal(find_published("a"), 0);
	publish("run-2", "b", false);
	assert_int_equal(moved_retract(place, "run-2", NULL), 0);
	assert_int_equal(find_published("b"), 1);
	assert_int_equal(moved_retract(place, "run-3", NULL), 0);
}

TEST(what_was_published_is_forgotten)
{
	struct moved m = mark("", "a", "", 0);

	publish("run-1", "a", false);
	publish("run-2", "b", false);
	assert_int_equal(moved_forget_published(place, &m, NULL), 0);
	assert_int_equal(find_published("a"), 0);
	assert_int_equal(find_published("b"), 1);
}

TEST(what_a_stranger_has_published_is_an_error)
{
	AUTO_FREE char *path = state_dir_away_mark(place, "run-1");

	if (geteuid() != 0)
		skip();
	publish("run-1", "a", false);
	assert_int_equal(chown(path, 4242, 4242), 0);
	assert_int_equal(find_published("a"), -1);
}

TEST(a_place_that_cannot_be_read_is_an_error)
{
	AUTO_FREE char *dir = state_dir_away(place);

	if (geteuid() != 0)
		skip();
	publish("run-1", "a", false);
	assert_int_equal(chmod(dir, 0700), 0);
	assert_int_equal(seteuid(4242), 0);
	assert_int_equal(find_published("a"), -1);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(seteuid(4242), 0);
	assert_int_equal(find_published("a"), 1);
	assert_int_equal(find_published("b"), 0);
	assert_int_equal(seteuid(0), 0);
}

/* --- marks of another host ------------------------------------------------ */

static int seen;

static bool see(void *arg, const struct moved *m)
{
	assert_string_equal(m->guest, seen ? "b" : "a");
	assert_int_equal(m->leaving, seen);
	seen++;
	return seen == *(int *)arg;
}

TEST(a_host_prints_its_marks)
{
	AUTO_FREE char *script =
		xasprintf("%smarks %s/away; marks %s/none/away", moved_marks_sh,
			  place, place);
	char text[4096];
	int most = 9;
	FILE *f;
	size_t n;

	publish("run-1", "a", false);
	publish("run-2", "b", true);
	f = popen(script, "r");
	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	assert_int_equal(pclose(f), 0);
	seen = 0;
	moved_each(text, see, &most);
	assert_int_equal(seen, 2);
	most = 1;
	seen = 0;
	moved_each(text, see, &most);
	assert_int_equal(seen, 1);
	moved_each("", see, &most);
	assert_int_equal(seen, 1);
}

TEST(what_is_no_mark_is_an_error)
{
	AUTO_FREE char *dir = state_dir_moved(place);
	AUTO_FREE char *path = xasprintf("%s/run-9", dir);
	FILE *f;

	put("run-1", "a", "", 1);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs("guest=b\n", f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(find("c"), -1);
}

static void forget_by_script(const char *guest, const char *uuid)
{
	AUTO_FREE char *key = path_part(guest);
	AUTO_FREE char *dir = state_dir_moved(place);
	AUTO_BUF struct buf script = { 0 };
	AUTO_BUF struct buf command = { 0 };

	buf_printf(&script, "%sforget", moved_forget_sh);
	buf_printf(&script, " ");
	quote_word(&script, dir);
	buf_printf(&script, " ");
	quote_word(&script, guest);
	buf_printf(&script, " ");
	quote_word(&script, uuid);
	buf_printf(&script, " $$ ");
	quote_word(&script, key);
	buf_printf(&command, "sh -c ");
	quote_word(&command, buf_data(&script));
	assert_int_equal(system(buf_data(&command)), 0);
}

TEST(a_host_forgets_by_a_script)
{
	forget_by_script("a", "");
	put("run-1", "a", "", 1);
	put("run-2", "b", "", 1);
	put("run-3", "a", uuid_a, 1);
	forget_by_script("a", "");
	assert_false(moved_is_marked(place, "run-1"));
	assert_true(moved_is_marked(place, "run-2"));
	assert_true(moved_is_marked(place, "run-3"));
	put_of(4242, "alice", "run-4", "a", uuid_a, 1);
	put_early("run-5", "a");
	forget_by_script("a", "");
	assert_false(moved_is_marked(place, "run-5"));
	forget_by_script("other", uuid_a);
	assert_true(moved_is_marked(place, "run-4"));
	assert_false(moved_is_marked(place, "run-3"));
	assert_true(moved_is_marked(place, "run-2"));
}
