/* SPDX-License-Identifier: MIT */
/* Tests of engine/run/unit_hold.c: what systemctl show prints. */
#include <stdlib.h>

#include "engine/run/run.h"
#include "engine/run/unit_hold.h"
#include "tests/unit/test.h"

static struct guest g;
static struct unit_facts f;

static int setup(void **state)
{
	(void)state;
	g = (struct guest){
		.unit = (char *)"web1.service",
		.cgroup = (char *)"/system.slice/web1.service/payload",
	};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unit_facts_free(&f);
	return 0;
}

TEST_FIXTURE(setup, teardown);

static const char shown[] =
	"Restart=on-failure\nExecCondition=\nLoadState=loaded\n"
	"UnitFileState=enabled\nControlGroup=/system.slice/web1.service\n";

TEST(a_unit_is_read)
{
	unit_facts_parse(shown, &g, &f);
	assert_true(f.known && f.enabled);
	assert_false(f.asks_first);
	assert_string_equal(f.restart, "on-failure");
	assert_null(f.why_unknown);
}

static void expect_unknown(const char *text)
{
	unit_facts_parse(text, &g, &f);
	assert_false(f.known || f.enabled);
	assert_non_null(f.why_unknown);
	unit_facts_free(&f);
}

TEST(a_unit_that_the_guest_is_not_in_is_none_of_ours)
{
	g.cgroup = (char *)"/system.slice/web1.service-2";
	expect_unknown(shown);
	g.cgroup = (char *)"/user.slice/web1.service";
	expect_unknown(shown);
	g.cgroup = NULL;
	expect_unknown(shown);
}

TEST(nor_is_one_that_is_not_loaded)
{
	expect_unknown("LoadState=not-found\nRestart=no\nControlGroup=\n");
	expect_unknown("");
}

TEST(a_unit_that_asks_first_is_known)
{
	unit_facts_parse("LoadState=loaded\n"
			 "ControlGroup=/system.slice/web1.service\n"
			 "ExecCondition={ path=/usr/bin/vmferry ; "
			 "argv[]=/usr/bin/vmferry owns web1 ; }\n",
			 &g, &f);
	assert_true(f.asks_first);
	assert_false(f.enabled);
}
