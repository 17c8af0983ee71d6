/* SPDX-License-Identifier: MIT */
/* lessons: they are kept, bounded, and come back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/state/lessons.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static int make_dir(void **state)
{
	char *dir = xstrdup("/tmp/vmferry-lessons-XXXXXX");

	*state = mkdtemp(dir);
	return *state ? 0 : -1;
}

static int remove_dir(void **state)
{
	AUTO_FREE char *dir = *state;
	AUTO_FREE char *pairs = xasprintf("%s/pairs", dir);
	AUTO_FREE char *file = xasprintf("%s/id", pairs);

	(void)unlink(file);
	(void)rmdir(pairs);
	return rmdir(dir);
}

TEST_FIXTURE(make_dir, remove_dir);

TEST(what_was_saved_comes_back)
{
	AUTO_FREE char *dir = xasprintf("%s/pairs", (char *)*state);
	AUTO_FREE char *path = xasprintf("%s/id", dir);
	AUTO_ERR struct err err = { 0 };
	struct lessons p = { 0 }, q;
	struct stat st;

	lessons_learn(&p, &(struct lesson){ 8.5, 0, 2e7 });
	lessons_learn(&p, &(struct lesson){ 12, 3.25, 0 });
	assert_int_equal(lessons_save(&p, *state, "id", &err), 0);
	lessons_load(&q, *state, "id");
	assert_int_equal(q.n, 2);
	assert_memory_equal(q.v, p.v, 2 * sizeof(*p.v));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

TEST(a_file_that_says_nothing_teaches_nothing)
{
	AUTO_FREE char *dir = xasprintf("%s/pairs", (char *)*state);
	AUTO_FREE char *path = xasprintf("%s/id", dir);
	struct lessons p;
	FILE *f;

	assert_int_equal(mkdir(dir, 0700), 0);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("{\"lessons\": [\"x\", {\"fixed_ms\": -1}, "
	      "{\"link_bps\": 1e300, \"overhead_ms\": \"7\"}, null, {}]}",
	      f);
	fclose(f);
	lessons_load(&p, *state, "id");
	assert_int_equal(p.n, 0);
	lessons_load(&p, *state, "another");
	assert_int_equal(p.n, 0);
}

TEST(a_pipe_teaches_nothing_and_holds_nobody)
{
	AUTO_FREE char *dir = xasprintf("%s/pairs", (char *)*state);
	AUTO_FREE char *path = xasprintf("%s/id", dir);
	struct lessons p;

	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	lessons_load(&p, *state, "id");
	assert_int_equal(p.n, 0);
}

TEST(a_name_leads_nowhere_else)
{
	const struct lesson eight = { 8, 0, 0 };
	AUTO_ERR struct err err = { 0 };
	struct lessons p = { 0 };

	lessons_learn(&p, &eight);
	assert_int_equal(lessons_save(&p, *state, "../x", &err), -1);
	err_reset(&err);
	assert_int_equal(lessons_save(&p, *state, "", &err), -1);
	lessons_load(&p, *state, NULL);
	assert_int_equal(p.n, 0);
}

static void expect_not_saved(const char *state, const char *words)
{
	struct lessons p = { 0 };
	AUTO_ERR struct err err = { 0 };

	lessons_learn(&p, &(struct lesson){ 8, 0, 0 });
	assert_int_equal(lessons_save(&p, state, "id", &err), -1);
	assert_non_null(strstr(err.message, words));
}

/* Nor does anything stay in the directory, which then could not go. */
TEST(what_cannot_be_put_in_place_is_an_error)
{
	AUTO_FREE char *dir = xasprintf("%s/pairs", (char *)*state);
	AUTO_FREE char *path = xasprintf("%s/id", dir);

	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	expect_not_saved(*state, "cannot replace");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

TEST(a_directory_that_is_none_is_an_error)
{
	AUTO_FREE char *dir = xasprintf("%s/pairs", (char *)*state);
	FILE *f = fopen(dir, "w");

	assert_non_null(f);
	fclose(f);
	expect_not_saved(*state, "cannot make");
	assert_int_equal(unlink(dir), 0);
	expect_not_saved("/nonexistent", "cannot make /nonexistent/pairs");
}

TEST(the_oldest_lesson_goes)
{
	struct lessons p = { 0 };

	for (int i = 1; i <= LESSONS_KEPT + 3; i++)
		lessons_learn(&p, &(struct lesson){ i, 0, 0 });
	assert_int_equal(p.n, LESSONS_KEPT);
	assert_float_equal(p.v[0].fixed_ms, 4, 1e-9);
	assert_float_equal(p.v[LESSONS_KEPT - 1].fixed_ms, LESSONS_KEPT + 3,
			   1e-9);
}

TEST(four_in_five_cost_no_more)
{
	struct lessons p = { 0 };

	assert_true(lessons_fixed_ms(&p) == 0);
	lessons_learn(&p, &(struct lesson){ 9, 0, 0 });
	assert_float_equal(lessons_fixed_ms(&p), 9, 1e-9);
	for (int i = 0; i < 3; i++)
		lessons_learn(&p, &(struct lesson){ 7, 0, 0 });
	lessons_learn(&p, &(struct lesson){ 300, 0, 0 });
	assert_float_equal(lessons_fixed_ms(&p), 9, 1e-9);
}

TEST(what_was_not_reported_does_not_count)
{
	struct lessons p = { 0 };
	double all[LESSONS_KEPT];

	lessons_learn(&p, &(struct lesson){ 9, 0, 3e7 });
	lessons_learn(&p, &(struct lesson){ 9, 4, 0 });
	lessons_learn(&p, &(struct lesson){ 0, 0, 0 });
	assert_int_equal(p.n, 2);
	assert_float_equal(lessons_overhead_ms(&p), 4, 1e-9);
	assert_float_equal(lessons_link_bps(&p), 3e7, 1e-3);
	assert_int_equal(lessons_links_bps(&p, all), 1);
	assert_float_equal(all[0], 3e7, 1e-3);
}

TEST(the_worst_is_the_costliest_and_more_while_few_are_known)
{
	struct lessons p = { 0 };

	assert_true(lessons_worst_fixed_ms(&p) == 0);
	lessons_learn(&p, &(struct lesson){ 20, 0, 0 });
	assert_float_equal(lessons_worst_fixed_ms(&p), 40, 1e-9);
	lessons_learn(&p, &(struct lesson){ 0, 1, 0 });
	assert_float_equal(lessons_worst_fixed_ms(&p), 40, 1e-9);
	for (int i = 0; i < 9; i++)
		lessons_learn(&p, &(struct lesson){ 10, 0, 0 });
	assert_float_equal(lessons_worst_fixed_ms(&p), 22, 1e-9);
}

TEST(the_middle_is_not_moved_by_one)
{
	struct lessons p = { 0 };

	for (int i = 1; i <= 4; i++)
		lessons_learn(&p, &(struct lesson){ 10 * i, i, 1e6 * i });
	lessons_learn(&p, &(struct lesson){ 9000, 900, 9e9 });
	assert_float_equal(lessons_middle(&p).fixed_ms, 30, 1e-9);
	assert_float_equal(lessons_middle(&p).overhead_ms, 3, 1e-9);
	assert_float_equal(lessons_middle(&p).link_bps, 3e6, 1e-3);
}

TEST(the_costliest_is_forgotten)
{
	struct lessons p = { 0 };

	lessons_forget(&p);
	assert_int_equal(p.n, 0);
	for (int i = 1; i <= 3; i++)
		lessons_learn(&p, &(struct lesson){ i == 2 ? 90 : i, 0, 0 });
	lessons_forget(&p);
	assert_int_equal(p.n, 2);
	assert_float_equal(p.v[0].fixed_ms, 1, 1e-9);
	assert_float_equal(p.v[1].fixed_ms, 3, 1e-9);
}

TEST(what_copying_took_is_not_fixed)
{
	assert_float_equal(lessons_fixed_of(100, 1e6, 20e6, 5), 50, 1e-9);
	assert_float_equal(lessons_fixed_of(30, 1e6, 20e6, 5), 5, 1e-9);
	assert_float_equal(lessons_fixed_of(30, 1e6, 0, 5), 30, 1e-9);
}
