/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_do_line.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/argv_case.h"
#include "transport/base/xalloc.h"
static void words_are_kept(void **state)
{
	(void)state;
	expect_kept("-serial null -serial none -parallel none "
		    "-serial vc:80Cx24C -monitor none "
		    "-serial chardev:c -debugcon null "
		    "-serial udp:h:1@:0 -serial msmouse");
}

static void the_terminal_becomes_null(void **state)
{
	(void)state;
	expect_other("-serial stdio -serial mon:stdio -monitor stdio",
		     "-serial null -serial mon:null -monitor null");
}

static void a_port_can_be_had_once_a_host(void **state)
{
	(void)state;
	expect_kept("-serial tcp::4444,server,nowait -serial tcp:h:5");
	expect_same("-serial tcp:h:5", "-serial tcp:h:5");
	expect_refused_same("-serial telnet::4444,server,nowait",
			    "still listens");
	expect_refused_same("-serial udp:h:1@:2", "still listens");
	expect_refused_same("-gdb tcp::1234", "still listens");
	expect_refused_same("-s", "still listens");
}

static void an_open_port_with_a_monitor_is_warned_of(void **state)
{
	static const char *const lines[] = {
		"-qmp tcp::1,server,nowait",
		"-monitor telnet::1,server,nowait",
		"-serial mon:tcp::1,server,nowait",
		"-gdb tcp::1",
		"-s",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct argv_plan plan;
		AUTO_FREE char *got = argv_case_other(lines[i], &plan);

		assert_string_equal(got, lines[i]);
		assert_true(argv_case_noted(&plan, ARGV_WARNING, "whoever"));
		argv_plan_free(&plan);
	}
}

static void nobody_is_waited_for_at_a_port(void **state)
{
	(void)state;
	expect_other("-serial tcp::4444,server",
		     "-serial tcp::4444,server,wait=off");
}

static void a_file_is_appended_to_where_the_source_still_writes(void **state)
{
	(void)state;
	expect_kept("-serial file:/l/a,b");
	expect_same("-serial file:/l/a,b -parallel file:/l/c",
		    "-chardev file,id=vmferry-file0,path=/l/a,,b,append=on "
		    "-serial chardev:vmferry-file0 "
		    "-chardev file,id=vmferry-file1,path=/l/c,append=on "
		    "-parallel chardev:vmferry-file1");
	expect_refused_same("-debugcon file:/l/a", "empty the file");
}

static void a_pipe_has_one_reader(void **state)
{
	(void)state;
	expect_kept("-serial pipe:/p");
	expect_refused_same("-serial pipe:/p", "same pipe");
}

static void inherited_descriptors_are_refused(void **state)
{
	(void)state;
	expect_refused("-qmp fd:3", "inherited");
}

static void a_debugger_on_the_terminal_is_dropped(void **state)
{
	(void)state;
	expect_other("-gdb stdio", "");
	expect_same("-gdb none", "-gdb none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_kept),
		cmocka_unit_test(the_terminal_becomes_null),
		cmocka_unit_test(a_port_can_be_had_once_a_host),
		cmocka_unit_test(an_open_port_with_a_monitor_is_warned_of),
		cmocka_unit_test(nobody_is_waited_for_at_a_port),
		cmocka_unit_test(
			a_file_is_appended_to_where_the_source_still_writes),
		cmocka_unit_test(a_pipe_has_one_reader),
		cmocka_unit_test(inherited_descriptors_are_refused),
		cmocka_unit_test(a_debugger_on_the_terminal_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
