/* SPDX-License-Identifier: MIT */
/* Tests of engine/event/check.c. */
#include <stdlib.h>

#include "engine/event/check.h"
#include "qmp/json.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static void three(struct checks *list)
{
	checks_add(list, "ram", CHECK_DESTINATION, CHECK_PASS,
		   xstrdup("RAM fits"), NULL);
	checks_add(list, "unit", CHECK_SOURCE, CHECK_WARN,
		   xstrdup("unit restarts"), xstrdup("Restart=no"));
	checks_add(list, "cpu", CHECK_BOTH, CHECK_WARN, xstrdup("differs"),
		   xstrdup("use -cpu qemu64"));
}

TEST(an_empty_list_is_a_pass)
{
	struct checks list = { 0 };

	assert_int_equal(checks_worst(&list), CHECK_PASS);
	assert_int_equal(checks_count(&list, CHECK_FAIL), 0);
	checks_free(&list);
}

TEST(counts_go_by_verdict)
{
	struct checks list = { 0 };

	three(&list);
	assert_int_equal(checks_count(&list, CHECK_PASS), 1);
	assert_int_equal(checks_count(&list, CHECK_WARN), 2);
	checks_free(&list);
	assert_int_equal(list.n, 0);
}

TEST(the_worst_verdict_wins_in_any_place)
{
	struct checks list = { 0 };

	checks_add(&list, "a", CHECK_SOURCE, CHECK_FAIL, xstrdup("x"), NULL);
	three(&list);
	assert_int_equal(checks_worst(&list), CHECK_FAIL);
	checks_free(&list);
}

TEST(json_has_the_members_of_the_contract)
{
	struct checks list = { 0 };
	AUTO_JSON struct json_object *o = NULL;
	AUTO_FREE char *line = NULL;

	three(&list);
	o = check_to_json(&list.v[1]);
	line = json_line(o);
	assert_string_equal(line,
			    "{\"name\":\"unit\",\"side\":\"source\","
			    "\"verdict\":\"warn\",\"found\":\"unit restarts\","
			    "\"remedy\":\"Restart=no\","
			    "\"family\":\"other\",\"cause\":null}");
	checks_free(&list);
}

TEST(a_missing_remedy_is_null)
{
	struct checks list = { 0 };
	AUTO_JSON struct json_object *o = NULL;
	struct json_object *remedy;

	three(&list);
	o = check_to_json(&list.v[0]);
	assert_true(json_object_object_get_ex(o, "remedy", &remedy));
	assert_null(remedy);
	checks_free(&list);
}

TEST(text_that_is_not_utf8_stays_valid_json)
{
	struct checks list = { 0 };
	AUTO_JSON struct json_object *o = NULL, *again = NULL;
	AUTO_FREE char *line = NULL;
	const char *found;

	checks_add(&list, "a", CHECK_SOURCE, CHECK_FAIL,
		   xstrdup("caf\xc3\xa9 \xff\xc0\xaf\xed\xa0\x80 \xe2\x82"),
		   NULL);
	o = check_to_json(&list.v[0]);
	line = json_line(o);
	again = json_tokener_parse(line);
	found = json_object_get_string(json_object_object_get(again, "found"));
	assert_string_equal(found, "caf\xc3\xa9 \uFFFD\uFFFD\uFFFD\uFFFD"
				   "\uFFFD\uFFFD \uFFFD\uFFFD");
	checks_free(&list);
}

/* Two of one cause, one of its own, one of another verdict. */
static void missing(struct checks *list)
{
	static const enum check_verdict verdicts[] = { CHECK_FAIL, CHECK_FAIL,
						       CHECK_WARN };

	checks_add(list, "memory", CHECK_DESTINATION, CHECK_FAIL,
		   xstrdup("too little"), xstrdup("free some"));
	for (size_t i = 0; i < 3; i++) {
		checks_add(list, i ? "file" : "directory", CHECK_DESTINATION,
			   verdicts[i], xstrdup("it is missing"),
			   xstrdup(i ? "mount /srv" : "mkdir /srv"));
		checks_lacks(list, "/srv/x");
		list->v[list->n - 1].cause = xstrdup("no /srv");
	}
}

TEST(findings_of_one_cause_and_verdict_are_one_problem)
{
	struct checks list = { 0 };

	missing(&list);
	assert_int_equal(checks_problem(&list, 0), 0);
	assert_int_equal(checks_problem(&list, 1), 1);
	assert_int_equal(checks_problem(&list, 2), 1);
	assert_int_equal(checks_problem(&list, 3), 3);
	assert_int_equal(checks_problems(&list, CHECK_FAIL), 2);
	assert_int_equal(checks_problems(&list, CHECK_WARN), 1);
	assert_int_equal(checks_count(&list, CHECK_FAIL), 3);
	checks_free(&list);
}

TEST(a_problem_has_the_remedy_of_a_file)
{
	struct checks list = { 0 };

	missing(&list);
	assert_string_equal(checks_remedy(&list, 0), "free some");
	assert_string_equal(checks_remedy(&list, 1), "mount /srv");
	checks_free(&list);
}
