/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_do_line.c. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/argv_case.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

TEST(words_are_kept)
{
	expect_kept("-serial null -serial none -parallel none "
		    "-serial vc:80Cx24C -monitor none "
		    "-serial chardev:c -debugcon null "
		    "-serial udp:h:1@:0 -serial msmouse");
}

TEST(the_terminal_becomes_null)
{
	expect_other("-serial stdio -serial mon:stdio -monitor stdio",
		     "-serial null -serial mon:null -monitor null");
}

TEST(a_port_can_be_had_once_a_host)
{
	expect_kept("-serial tcp::4444,server,nowait -serial tcp:h:5");
	expect_same("-serial tcp:h:5", "-serial tcp:h:5");
	expect_refused_same("-serial telnet::4444,server,nowait",
			    "still listens");
	expect_refused_same("-serial udp:h:1@:2", "still listens");
	expect_refused_same("-gdb tcp::1234", "still listens");
	expect_refused_same("-s", "still listens");
}

TEST(an_open_port_with_a_monitor_is_warned_of)
{
	static const char *const lines[] = {
		"-qmp tcp::1,server,nowait",
		"-monitor telnet::1,server,nowait",
		"-serial mon:tcp::1,server,nowait",
		"-gdb tcp::1",
		"-s",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct argv_plan plan;
		AUTO_FREE char *got = argv_case_other(lines[i], &plan);

		assert_string_equal(got, lines[i]);
		assert_true(argv_case_noted(&plan, ARGV_WARNING, "whoever"));
		argv_plan_free(&plan);
	}
}

TEST(nobody_is_waited_for_at_a_port)
{
	expect_other("-serial tcp::4444,server",
		     "-serial tcp::4444,server,wait=off");
}

TEST(a_file_is_appended_to)
{
	expect_other("-serial file:/l/a,b -parallel file:/l/c",
		     "-chardev file,id=vmferry-file0,path=/l/a,,b,append=on "
		     "-serial chardev:vmferry-file0 "
		     "-chardev file,id=vmferry-file1,path=/l/c,append=on "
		     "-parallel chardev:vmferry-file1");
	expect_other("-debugcon file:/l/a",
		     "-chardev file,id=vmferry-file0,path=/l/a,append=on "
		     "-device isa-debugcon,chardev=vmferry-file0");
	expect_refused("-serial mon:file:/l/a", "empty the file");
}

TEST(a_pipe_has_one_reader)
{
	expect_kept("-serial pipe:/p");
	expect_refused_same("-serial pipe:/p", "same pipe");
}

TEST(inherited_descriptors_are_refused)
{
	expect_refused("-qmp fd:3", "inherited");
}

TEST(a_debugger_on_the_terminal_is_dropped)
{
	expect_other("-gdb stdio", "");
	expect_same("-gdb none", "-gdb none");
}

TEST(an_open_port_without_a_monitor_is_not)
{
	static const char words[] = "-serial tcp::1,server,nowait";
	struct argv_plan plan;
	AUTO_FREE char *got = argv_case_other(words, &plan);

	assert_string_equal(got, words);
	assert_int_equal(plan.n_notes, 0);
	argv_plan_free(&plan);
}
