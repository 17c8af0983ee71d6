/* SPDX-License-Identifier: MIT */
/* Tests of engine/unfinished.c. */
#include "engine/unfinished.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/journal.h"
#include "qmp/json.h"
#include "tests/unit/in_task.h"
#include "tests/unit/remove_tree.h"
#include "transport/base/xalloc.h"

#define KEY "11111111-2222-3333-4444-555555555555"

static char runs[64];

static int make_dir(void **state)
{
	(void)state;
	snprintf(runs, sizeof(runs), "/tmp/unfinished-test.XXXXXX");
	return mkdtemp(runs) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	return remove_tree(runs);
}

static char *journal_path(const char *run)
{
	return xasprintf("%s/%s/journal", runs, run);
}

/* A journal of the guest @key that ends with @last; RECORDS: without any. */
static struct journal *begin(const char *run, const char *key,
			     const char *machine, enum journal_record last)
{
	AUTO_FREE char *dir = xasprintf("%s/%s", runs, run);
	AUTO_FREE char *path = journal_path(run);
	struct json_object *o = json_add_str(json_new(), "key", key);
	struct journal *j;

	o = json_add_str(o, "guest", "web1");
	o = json_add_str(o, "destination", "hostb");
	o = json_add_str(o, "source_machine", machine);
	assert_int_equal(mkdir(dir, 0700), 0);
	j = journal_create(path, NULL);
	assert_non_null(j);
	if (last == JOURNAL_RECORDS) {
		json_object_put(o);
		return j;
	}
	assert_int_equal(journal_append(j, JOURNAL_BEGIN, o, NULL), 0);
	if (last != JOURNAL_BEGIN)
		assert_int_equal(journal_append(j, last, NULL, NULL), 0);
	return j;
}

static void leave(const char *run, const char *key, const char *machine,
		  enum journal_record last)
{
	journal_close(begin(run, key, machine, last));
}

static void spoil(const char *run)
{
	AUTO_FREE char *path = journal_path(run);
	FILE *f = fopen(path, "r+");

	assert_non_null(f);
	assert_int_equal(fputs("what is this?", f) >= 0, 1);
	assert_int_equal(fclose(f), 0);
}

static void assert_refused(const char *words)
{
	struct err err = { 0 };

	assert_int_equal(unfinished_refuse(runs, "here", KEY, &err), -1);
	expect_err_kind(&err, ERR_REFUSED, words);
}

static void assert_passed(void)
{
	struct err err = { 0 };

	if (unfinished_refuse(runs, "here", KEY, &err) < 0)
		fail_with_err(&err);
}

static void a_guest_without_journals_may_go(void **state)
{
	(void)state;
	assert_passed();
}

static void no_directory_holds_no_journal(void **state)
{
	(void)state;
	assert_int_equal(
		unfinished_refuse("/nonexistent/runs", "here", KEY, NULL), 0);
}

static void every_record_but_the_final_refuses_and_is_named(void **state)
{
	(void)state;
	for (int i = 0; i < JOURNAL_RECORDS; i++) {
		enum journal_record last = (enum journal_record)i;
		AUTO_FREE char *words = xasprintf("its journal says %s last",
						  journal_record_name(last));

		leave("run-1", KEY, "here", last);
		if (journal_is_final(last))
			assert_passed();
		else
			assert_refused(words);
		assert_int_equal(remove_dir(NULL), 0);
		assert_int_equal(mkdir(runs, 0700), 0);
	}
}

static void the_refusal_names_run_guest_and_what_to_do(void **state)
{
	struct err err = { 0 };

	(void)state;
	leave("run-1", KEY, "here", JOURNAL_PREP);
	assert_refused("run-1 to hostb");
	assert_refused("of web1");
	assert_int_equal(unfinished_refuse(runs, "here", KEY, &err), -1);
	assert_non_null(strstr(err_hint_of(&err), "vmferry recover web1 "));
	err_reset(&err);
}

static void a_journal_without_a_record_says_that_nothing_was_begun(void **state)
{
	(void)state;
	leave("run-1", KEY, "here", JOURNAL_RECORDS);
	assert_passed();
}

static void that_of_another_guest_does_not_matter(void **state)
{
	(void)state;
	leave("run-1", "another", "here", JOURNAL_COMMIT);
	assert_passed();
}

static void that_of_another_machine_does_not_matter(void **state)
{
	(void)state;
	leave("run-1", KEY, "elsewhere", JOURNAL_COMMIT);
	assert_passed();
}

static void one_among_others_is_found(void **state)
{
	(void)state;
	leave("run-1", "another", "here", JOURNAL_COMMIT);
	leave("run-2", KEY, "here", JOURNAL_DONE);
	leave("run-3", KEY, "here", JOURNAL_ABORTING);
	leave("run-4", "third", "here", JOURNAL_COMMIT);
	assert_refused("run-3");
}

static void one_that_cannot_be_read_may_be_about_any_guest(void **state)
{
	(void)state;
	leave("run-1", "another", "here", JOURNAL_COMMIT);
	spoil("run-1");
	assert_refused("the journal of run-1 cannot be trusted");
}

static void a_directory_without_a_journal_is_passed_over(void **state)
{
	AUTO_FREE char *dir = xasprintf("%s/run-1", runs);

	(void)state;
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_passed();
}

static bool is(const char *run)
{
	AUTO_FREE char *path = journal_path(run);

	return unfinished_is(path);
}

static void only_what_recovery_has_to_do_with_is_unfinished(void **state)
{
	(void)state;
	leave("run-1", KEY, "here", JOURNAL_SWITCH);
	leave("run-2", KEY, "here", JOURNAL_ABORTED);
	leave("run-3", KEY, "here", JOURNAL_RECORDS);
	leave("run-4", KEY, "here", JOURNAL_DONE);
	spoil("run-4");
	assert_true(is("run-1"));
	assert_false(is("run-2"));
	assert_false(is("run-3"));
	assert_true(is("run-4"));
	assert_false(is("run-5"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_guest_without_journals_may_go),
		TEST(no_directory_holds_no_journal),
		TEST(every_record_but_the_final_refuses_and_is_named),
		TEST(the_refusal_names_run_guest_and_what_to_do),
		TEST(a_journal_without_a_record_says_that_nothing_was_begun),
		TEST(that_of_another_guest_does_not_matter),
		TEST(that_of_another_machine_does_not_matter),
		TEST(one_among_others_is_found),
		TEST(one_that_cannot_be_read_may_be_about_any_guest),
		TEST(a_directory_without_a_journal_is_passed_over),
		TEST(only_what_recovery_has_to_do_with_is_unfinished),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
