/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_path.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/argv/argv_path.h"
#include "transport/base/xalloc.h"
static void expect_absolute(const char *cwd, const char *path,
			    const char *expected)
{
	AUTO_FREE char *got = argv_path_absolute(cwd, path);

	assert_string_equal(got, expected);
}

static void a_relative_path_starts_at_the_directory(void **state)
{
	(void)state;
	expect_absolute("/srv/vm", "a.img", "/srv/vm/a.img");
	expect_absolute("/srv/vm/", "./d//a.img", "/srv/vm/d/a.img");
	expect_absolute("/", "a", "/a");
	expect_absolute("/srv", ".", "/srv");
}

static void two_dots_stay(void **state)
{
	(void)state;
	expect_absolute("/srv/vm", "../a", "/srv/vm/../a");
}

static void an_absolute_path_needs_no_directory(void **state)
{
	(void)state;
	expect_absolute(NULL, "/a/b/", "/a/b/");
	expect_absolute("/x", "/", "/");
	expect_absolute(NULL, "a", "a");
}

static void expect_remap(const char *old_prefix, const char *new_prefix,
			 const char *path, const char *expected)
{
	struct argv_remap r = { old_prefix, new_prefix };
	AUTO_FREE char *got = argv_path_remap(&r, 1, path);

	assert_string_equal(got, expected);
}

static void only_whole_components_match(void **state)
{
	(void)state;
	expect_remap("/srv/vm", "/mnt", "/srv/vm/a", "/mnt/a");
	expect_remap("/srv/vm", "/mnt", "/srv/vm2/a", "/srv/vm2/a");
	expect_remap("/srv/vm", "/mnt", "/srv/vm", "/mnt");
}

static void trailing_slashes_do_not_matter(void **state)
{
	(void)state;
	expect_remap("/srv/vm/", "/mnt/", "/srv/vm/a", "/mnt/a");
}

static void the_root_can_be_mapped_from_and_to(void **state)
{
	(void)state;
	expect_remap("/", "/mnt", "/a", "/mnt/a");
	expect_remap("/srv", "/", "/srv/a", "/a");
	expect_remap("/srv", "/", "/srv", "/");
}

static void the_longest_prefix_wins(void **state)
{
	static const struct argv_remap r[] = { { "/a", "/x" },
					       { "/a/b", "/y" },
					       { "/a", "/z" } };
	AUTO_FREE char *got = argv_path_remap(r, 3, "/a/b/c");

	(void)state;
	assert_string_equal(got, "/y/c");
}

static void what_is_mapped_is_not_mapped_again(void **state)
{
	static const struct argv_remap r[] = { { "/a", "/b" }, { "/b", "/a" } };
	AUTO_FREE char *got = argv_path_remap(r, 2, "/a/f");

	(void)state;
	assert_string_equal(got, "/b/f");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_relative_path_starts_at_the_directory),
		cmocka_unit_test(two_dots_stay),
		cmocka_unit_test(an_absolute_path_needs_no_directory),
		cmocka_unit_test(only_whole_components_match),
		cmocka_unit_test(trailing_slashes_do_not_matter),
		cmocka_unit_test(the_root_can_be_mapped_from_and_to),
		cmocka_unit_test(the_longest_prefix_wins),
		cmocka_unit_test(what_is_mapped_is_not_mapped_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
