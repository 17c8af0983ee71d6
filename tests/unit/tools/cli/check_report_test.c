/* SPDX-License-Identifier: MIT */
/* Tests of tools/cli/check_report.c. */
#include "tools/cli/check_report.h"

#include <math.h>
#include <string.h>

#include "qmp/json.h"
#include "tests/unit/test.h"
#include "tools/cli/ui.h"
#include "transport/base/xalloc.h"

static struct ui ui;
static struct check_report rep;

static int setup(void **state)
{
	(void)state;
	ui = (struct ui){ .voice = UI_SILENT };
	check_report_init(&rep, &ui, "hostb");
	rep.result.outcome = OUTCOME_READY;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	check_report_free(&rep);
	return 0;
}

TEST_FIXTURE(setup, teardown);

static void take_facts(double link_bps, size_t lessons)
{
	const struct event ev = {
		.kind = EVENT_FACTS,
		.facts = { .source_qemu = "7.2.22",
			   .destination_qemu = "10.0.2",
			   .login = "ssh(1)",
			   .link_bps = link_bps,
			   .lessons = lessons },
	};

	check_report_event(&rep, &ev);
}

TEST(the_head_is_of_the_facts_of_the_run)
{
	struct check_head h = check_report_head(&rep);

	assert_null(h.source_qemu);
	take_facts(NAN, 0);
	h = check_report_head(&rep);
	assert_string_equal(h.source_qemu, "7.2.22");
	assert_string_equal(h.destination_qemu, "10.0.2");
	assert_string_equal(h.login, "ssh(1)");
	assert_null(h.link);
}

TEST(a_link_is_named_with_what_it_was_learnt_from)
{
	take_facts(812e6, 4);
	assert_string_equal(check_report_head(&rep).link,
			    "link 812 MB/s, learnt from 4 migrations");
}

TEST(the_verdict_is_the_worst_finding_or_fail_without_an_answer)
{
	assert_string_equal(check_report_verdict(&rep), "pass");
	checks_add(&rep.list, "boot", CHECK_SOURCE, CHECK_WARN,
		   xstrdup("enabled"), xstrdup("disable it"));
	assert_string_equal(check_report_verdict(&rep), "warn");
	assert_true(check_report_is_ready(&rep));
	rep.result.outcome = OUTCOME_UNREACHABLE;
	assert_string_equal(check_report_verdict(&rep), "fail");
	assert_false(check_report_is_ready(&rep));
}

TEST(json_begins_with_the_members_that_it_always_had)
{
	AUTO_JSON struct json_object *o = NULL;
	AUTO_FREE char *line = NULL;

	rep.result.guest = xstrdup("web1");
	take_facts(NAN, 0);
	o = check_report_to_json(&rep);
	line = json_line(o);
	assert_string_equal(
		line,
		"{\"guest\":\"web1\",\"outcome\":\"ready\",\"exit_code\":0,"
		"\"verdict\":\"pass\",\"checks\":[],\"error\":null,"
		"\"source\":null,\"destination\":null,"
		"\"source_qemu\":\"7.2.22\",\"destination_qemu\":\"10.0.2\","
		"\"login\":\"ssh(1)\",\"link_bps\":null,\"lessons\":0}");
}
