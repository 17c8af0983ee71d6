/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_do_chardev.c. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/argv_case.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

TEST(harmless_backends_are_kept)
{
	expect_kept("-chardev null,id=a -chardev ringbuf,id=b,size=4096 "
		    "-chardev vc,id=c -chardev spicevmc,id=d,name=vdagent "
		    "-chardev udp,id=e,port=1");
}

TEST(a_port_can_be_had_once_a_host)
{
	static const char words[] =
		"-chardev socket,id=c,port=4,server=on,wait=off";

	expect_kept(words);
	expect_refused_same(words, "still listens");
	expect_refused_same("-chardev udp,id=c,port=1,localport=2",
			    "still listens");
	expect_same("-chardev socket,id=c,host=h,port=4",
		    "-chardev socket,id=c,host=h,port=4");
}

static bool warns(const char *words)
{
	struct argv_plan plan;
	AUTO_FREE char *got = argv_case_other(words, &plan);
	bool warned = argv_case_noted(&plan, ARGV_WARNING, "whoever");

	assert_string_equal(got, words);
	argv_plan_free(&plan);
	return warned;
}

TEST(an_open_port_with_a_monitor_is_warned_of)
{
	static const char port[] =
		"-chardev socket,id=c,port=4,server=on,wait=off";
	static const char *const uses[] = {
		"-mon chardev=c",
		"-qmp chardev:c",
		"-object monitor-qmp,id=m,chardev=c",
	};

	assert_false(warns(port));
	for (size_t i = 0; i < ARRAY_SIZE(uses); i++) {
		AUTO_FREE char *words = xasprintf("%s %s", port, uses[i]);

		assert_true(warns(words));
	}
}

TEST(the_terminal_becomes_null)
{
	expect_other("-chardev stdio,id=c,mux=on,signal=off",
		     "-chardev null,id=c,mux=on");
}

TEST(inherited_descriptors_are_refused)
{
	expect_refused("-chardev socket,id=c,fd=3,server=on", "inherited");
	expect_refused("-chardev tty,id=c,path=/dev/fdset/1", "inherited");
}

TEST(files_are_appended_to)
{
	struct argv_plan plan;
	AUTO_FREE char *got = NULL;

	expect_kept("-chardev file,id=c,path=/l/a,append=on,logfile=/l/b,"
		    "logappend=on");
	expect_other("-chardev file,id=c,path=/l/a,append=off",
		     "-chardev file,id=c,path=/l/a,append=on");
	got = argv_case_other("-chardev file,id=c,path=/l/a,logfile=/l/b",
			      &plan);
	assert_string_equal(got, "-chardev file,id=c,path=/l/a,logfile=/l/b,"
				 "logappend=on,append=on");
	assert_true(argv_case_file(&plan, "/l")->directory);
	argv_plan_free(&plan);
}

TEST(a_logged_socket_has_both_translated)
{
	struct argv_plan plan;
	AUTO_FREE char *got = NULL;

	got = argv_case_remap("-chardev socket,id=c,path=/a,server=on,"
			      "wait=off,logfile=/log/x",
			      "/log", "/var", &plan);
	assert_string_equal(got, "-chardev socket,id=c,path=" CASE_RUN_DIR
				 "/s0.sock,server=on,wait=off,logfile=/var/x,"
				 "logappend=on");
	argv_plan_free(&plan);
}

TEST(a_pipe_has_one_reader)
{
	expect_kept("-chardev pipe,id=c,path=/p");
	expect_refused_same("-chardev pipe,id=c,path=/p", "same pipe");
}

TEST(hardware_is_warned_of)
{
	struct argv_plan plan;
	AUTO_FREE char *got = NULL;

	got = argv_case_other("-chardev serial,id=c,path=/dev/ttyS0", &plan);
	assert_string_equal(got, "-chardev serial,id=c,path=/dev/ttyS0");
	assert_true(argv_case_noted(&plan, ARGV_WARNING, "device of the host"));
	assert_true(argv_case_file(&plan, "/dev/ttyS0")->writable);
	argv_plan_free(&plan);
}
