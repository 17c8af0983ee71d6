/* SPDX-License-Identifier: MIT */
/* launch: what is to be removed on the destination, in words. */
#include "engine/run/launch.h"

#include "engine/run/run.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static void expect_rest(bool made, bool token_left, const char *text)
{
	char directory[] = "/r/run-1", lock[] = "/r/in-k";
	char token[] = "/r/tokens/run-1-destination";
	const struct run r = {
		.dest = {
			.made = made,
			.token_left = token_left,
			.pid = 7,
			.dir = directory,
			.lock = lock,
			.token_file = token,
		},
	};
	AUTO_FREE char *rest = launch_rest(&r);

	assert_string_equal(rest, text);
}

TEST(the_rest_names_the_token_beside_the_directories)
{
	expect_rest(true, true,
		    "QEMU pid 7, directories /r/run-1 and /r/in-k, file "
		    "/r/tokens/run-1-destination");
}

TEST(a_rest_of_the_token_or_without_it_names_no_more)
{
	expect_rest(false, true, "file /r/tokens/run-1-destination");
	expect_rest(true, false,
		    "QEMU pid 7, directories /r/run-1 and /r/in-k");
	expect_rest(false, false, "nothing");
}
