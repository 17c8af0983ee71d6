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

TEST(a_name_forges_no_line)
{
	put("run-1", "a\nuuid=11111111-2222-3333-4444-555555555555", "", 1);
	assert_int_equal(find(uuid_a), 0);
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
	forget_by_script("other", uuid_a);
	assert_false(moved_is_marked(place, "run-3"));
	assert_true(moved_is_marked(place, "run-2"));
}
