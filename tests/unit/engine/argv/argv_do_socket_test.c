/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_do_socket.c. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/argv_case.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

TEST(sockets_are_numbered_in_their_order)
{
	struct argv_plan plan;
	AUTO_FREE char *got = NULL;

	got = argv_case_other("-qmp unix:/a,server,nowait "
			      "-vnc unix:b",
			      &plan);
	assert_string_equal(got,
			    "-qmp unix:" CASE_RUN_DIR "/s0.sock,server,nowait "
			    "-vnc unix:" CASE_RUN_DIR "/s1.sock");
	assert_int_equal(plan.moves.n, 2);
	assert_string_equal(plan.moves.v[0].public, "/a");
	assert_string_equal(plan.moves.v[1].public, CASE_CWD "/b");
	assert_int_equal(plan.n_notes, 0);
	argv_plan_free(&plan);
}

TEST(nobody_is_waited_for)
{
	struct argv_plan plan;
	AUTO_FREE char *got = NULL;

	got = argv_case_other("-serial unix:/a,server=on", &plan);
	assert_string_equal(got, "-serial unix:" CASE_RUN_DIR
				 "/s0.sock,server=on,wait=off");
	assert_true(argv_case_noted(&plan, ARGV_CHANGED, "wait=off"));
	argv_plan_free(&plan);
}

TEST(a_client_is_kept_with_a_warning)
{
	struct argv_plan plan;
	AUTO_FREE char *got = argv_case_remap("-chardev socket,id=c,path=/s/a",
					      "/s", "/t", &plan);

	assert_string_equal(got, "-chardev socket,id=c,path=/t/a");
	assert_true(argv_case_noted(&plan, ARGV_WARNING, "other end"));
	assert_non_null(argv_case_file(&plan, "/t/a"));
	argv_plan_free(&plan);
}

TEST(an_abstract_socket_can_be_had_once_a_host)
{
	static const char words[] =
		"-chardev socket,id=c,path=a,abstract=on,server=on,wait=off";

	expect_kept(words);
	expect_refused_same(words, "still listens");
}

TEST(an_abstract_client_is_a_client)
{
	struct argv_plan plan;
	AUTO_FREE char *got = argv_case_same(
		"-chardev socket,id=c,path=a,abstract=on", &plan);

	assert_string_equal(got, "-chardev socket,id=c,path=a,abstract=on");
	assert_true(argv_case_noted(&plan, ARGV_WARNING, "other end"));
	argv_plan_free(&plan);
}

TEST(only_a_server_waits)
{
	expect_kept("-chardev socket,id=c,host=h,port=1");
}
