/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_do_chardev.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/argv_case.h"
#include "transport/base/xalloc.h"
static void harmless_backends_are_kept(void **state)
{
	(void)state;
	expect_kept("-chardev null,id=a -chardev ringbuf,id=b,size=4096 "
		    "-chardev vc,id=c -chardev spicevmc,id=d,name=vdagent "
		    "-chardev udp,id=e,port=1");
}

static void a_port_can_be_had_once_a_host(void **state)
{
	static const char words[] =
		"-chardev socket,id=c,port=4,server=on,wait=off";

	(void)state;
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

static void an_open_port_with_a_monitor_is_warned_of(void **state)
{
	static const char port[] =
		"-chardev socket,id=c,port=4,server=on,wait=off";
	static const char *const uses[] = {
		"-mon chardev=c",
		"-qmp chardev:c",
		"-object monitor-qmp,id=m,chardev=c",
	};

	(void)state;
	assert_false(warns(port));
	for (size_t i = 0; i < ARRAY_SIZE(uses); i++) {
		AUTO_FREE char *words = xasprintf("%s %s", port, uses[i]);

		assert_true(warns(words));
	}
}

static void the_terminal_becomes_null(void **state)
{
	(void)state;
	expect_other("-chardev stdio,id=c,mux=on,signal=off",
		     "-chardev null,id=c,mux=on");
}

static void inherited_descriptors_are_refused(void **state)
{
	(void)state;
	expect_refused("-chardev socket,id=c,fd=3,server=on", "inherited");
	expect_refused("-chardev tty,id=c,path=/dev/fdset/1", "inherited");
}

static void files_are_appended_to_where_the_source_still_writes(void **state)
{
	struct argv_plan plan;
	AUTO_FREE char *got = NULL;

	(void)state;
	expect_kept("-chardev file,id=c,path=/l/a,logfile=/l/b");
	got = argv_case_same("-chardev file,id=c,path=/l/a,logfile=/l/b",
			     &plan);
	assert_string_equal(got, "-chardev file,id=c,path=/l/a,logfile=/l/b,"
				 "logappend=on,append=on");
	assert_true(argv_case_file(&plan, "/l")->directory);
	argv_plan_free(&plan);
}

static void a_logged_socket_has_both_translated(void **state)
{
	struct argv_plan plan;
	AUTO_FREE char *got = NULL;

	(void)state;
	got = argv_case_remap("-chardev socket,id=c,path=/a,server=on,"
			      "wait=off,logfile=/log/x",
			      "/log", "/var", &plan);
	assert_string_equal(got, "-chardev socket,id=c,path=" CASE_RUN_DIR
				 "/s0.sock,server=on,wait=off,logfile=/var/x");
	argv_plan_free(&plan);
}

static void a_pipe_has_one_reader(void **state)
{
	(void)state;
	expect_kept("-chardev pipe,id=c,path=/p");
	expect_refused_same("-chardev pipe,id=c,path=/p", "same pipe");
}

static void hardware_is_warned_of(void **state)
{
	struct argv_plan plan;
	AUTO_FREE char *got = NULL;

	(void)state;
	got = argv_case_other("-chardev serial,id=c,path=/dev/ttyS0", &plan);
	assert_string_equal(got, "-chardev serial,id=c,path=/dev/ttyS0");
	assert_true(argv_case_noted(&plan, ARGV_WARNING, "device of the host"));
	assert_true(argv_case_file(&plan, "/dev/ttyS0")->writable);
	argv_plan_free(&plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(harmless_backends_are_kept),
		cmocka_unit_test(a_port_can_be_had_once_a_host),
		cmocka_unit_test(an_open_port_with_a_monitor_is_warned_of),
		cmocka_unit_test(the_terminal_becomes_null),
		cmocka_unit_test(inherited_descriptors_are_refused),
		cmocka_unit_test(
			files_are_appended_to_where_the_source_still_writes),
		cmocka_unit_test(a_logged_socket_has_both_translated),
		cmocka_unit_test(a_pipe_has_one_reader),
		cmocka_unit_test(hardware_is_warned_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
