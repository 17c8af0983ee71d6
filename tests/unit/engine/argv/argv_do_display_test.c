/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_do_display.c. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/argv_case.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static char *alone(const char *words, bool same_host, struct argv_plan *plan)
{
	AUTO_FREE char *text = xasprintf("q -M pc %s", words);
	AUTO_STRV struct strv argv = { .v = NULL };
	AUTO_ERR struct err err = { .kind = ERR_NONE };
	struct strv out = { .v = NULL };
	char *joined;

	argv_case_split(text, &argv);
	assert_int_equal(
		argv_rebuild(&(struct argv_input){ .argv = &argv,
						   .machine = "pc",
						   .run_dir = CASE_RUN_DIR,
						   .binary = "q",
						   .same_host = same_host },
			     plan, &err),
		0);
	for (size_t i = 3; strcmp(plan->argv.v[i], "-S"); i++)
		strv_push(&out, plan->argv.v[i]);
	joined = strv_join(&out, " ");
	strv_free(&out);
	return joined;
}

static void expect_alone(const char *words, const char *expected)
{
	struct argv_plan plan;
	AUTO_FREE char *got = alone(words, false, &plan);

	assert_string_equal(got, expected);
	argv_plan_free(&plan);
}

TEST(windows_become_none)
{
	expect_alone("-display gtk,gl=on", "-display none");
	expect_alone("-display sdl", "-display none");
	expect_alone("-display curses", "-display none");
	expect_alone("-m 1", "-m 1 -display none");
	expect_alone("-sdl -no-quit", "-display none");
}

TEST(what_needs_no_window_is_kept)
{
	expect_alone("-display none", "-display none");
	expect_alone("-display egl-headless,rendernode=/dev/dri/r",
		     "-display egl-headless,rendernode=/dev/dri/r");
	expect_alone("-vnc :1,share=ignore", "-vnc :1,share=ignore");
	expect_alone("-display vnc=:1", "-display vnc=:1");
	expect_alone("-spice port=5,addr=h", "-spice port=5,addr=h");
}

TEST(a_port_can_be_had_once_a_host)
{
	expect_refused_same("-vnc :1", "port");
	expect_refused_same("-vnc none,websocket=1", "port");
	expect_refused_same("-display vnc=127.0.0.1:1", "port");
	expect_refused_same("-spice port=5", "port");
	expect_same("-display vnc=none", "-display vnc=none");
	expect_same("-vnc :1,to=9 -vnc none", "-vnc :1,to=9 -vnc none");
}

TEST(sockets_are_moved)
{
	struct argv_plan plan;
	AUTO_FREE char *got = NULL;

	got = alone("-spice unix=on,addr=/run/s,x509-dir=/pki", true, &plan);
	assert_string_equal(got, "-spice unix=on,addr=" CASE_RUN_DIR
				 "/s0.sock,x509-dir=/pki");
	assert_int_equal(argv_case_file(&plan, "/pki")->kind, ARGV_SECRET);
	assert_true(argv_case_file(&plan, "/pki")->directory);
	argv_plan_free(&plan);
}

TEST(a_password_in_the_open_is_warned_of)
{
	struct argv_plan plan;
	AUTO_FREE char *got = alone("-spice port=1,password=p", false, &plan);

	assert_string_equal(got, "-spice port=1,password=p");
	assert_true(argv_case_noted(&plan, ARGV_WARNING, "password-secret"));
	argv_plan_free(&plan);
}
