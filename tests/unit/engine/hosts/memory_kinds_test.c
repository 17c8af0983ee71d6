/* SPDX-License-Identifier: MIT */
/* memory_kinds: huge pages and locked memory, as a host answers. */
#include "engine/hosts/memory_kinds.h"

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

enum { MIB = 1 << 20 };

static struct memory_kinds k;

static int teardown(void **state)
{
	(void)state;
	memory_kinds_free(&k);
	return 0;
}

TEST_FIXTURE(NULL, teardown);

/* "pages=" as the script prints it: free, reserved, overcommit, surplus. */
TEST(what_is_promised_is_not_spare)
{
	memory_kinds_read("pages=2048 512 12 0 0\npages=1048576 3 0 0 0\n"
			  "memlock=8192\n",
			  &k);
	assert_int_equal(memory_kinds_spare(&k, 2 * MIB), 500);
	assert_int_equal(memory_kinds_spare(&k, 1024 * MIB), 3);
	assert_int_equal(memory_kinds_spare(&k, 4 * MIB), 0);
	assert_int_equal(k.lock_bytes, 8 * MIB);
}

TEST(what_the_kernel_would_make_is_spare)
{
	memory_kinds_read("pages=2048 5 2 9 1\nmemlock=64\n", &k);
	assert_int_equal(memory_kinds_spare(&k, 2 * MIB), 3 + 8);
}

TEST(more_promised_than_free_is_none)
{
	memory_kinds_read("pages=2048 5 7 1 2\nmemlock=64\n", &k);
	assert_int_equal(memory_kinds_spare(&k, 2 * MIB), 0);
}

TEST(no_limit_and_none_that_is_known_are_none)
{
	memory_kinds_read("memlock=unlimited\n", &k);
	assert_true(k.lock_bytes == UINT64_MAX);
	memory_kinds_read("", &k);
	assert_true(k.lock_bytes == UINT64_MAX);
	assert_int_equal(k.n, 0);
}

TEST(broken_lines_are_passed_over)
{
	memory_kinds_read("pages=2048 5 7\npages=x 1 1 1 1\npages=\nmemlock=",
			  &k);
	assert_int_equal(k.n, 0);
}
