/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_path.c. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/argv/argv_path.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static void expect_absolute(const char *cwd, const char *path,
			    const char *expected)
{
	AUTO_FREE char *got = argv_path_absolute(cwd, path);

	assert_string_equal(got, expected);
}

TEST(a_relative_path_starts_at_the_directory)
{
	expect_absolute("/srv/vm", "a.img", "/srv/vm/a.img");
	expect_absolute("/srv/vm/", "./d//a.img", "/srv/vm/d/a.img");
	expect_absolute("/", "a", "/a");
	expect_absolute("/srv", ".", "/srv");
}

TEST(two_dots_stay)
{
	expect_absolute("/srv/vm", "../a", "/srv/vm/../a");
}

TEST(an_absolute_path_needs_no_directory)
{
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

TEST(only_whole_components_match)
{
	expect_remap("/srv/vm", "/mnt", "/srv/vm/a", "/mnt/a");
	expect_remap("/srv/vm", "/mnt", "/srv/vm2/a", "/srv/vm2/a");
	expect_remap("/srv/vm", "/mnt", "/srv/vm", "/mnt");
}

TEST(trailing_slashes_do_not_matter)
{
	expect_remap("/srv/vm/", "/mnt/", "/srv/vm/a", "/mnt/a");
}

TEST(the_root_can_be_mapped_from_and_to)
{
	expect_remap("/", "/mnt", "/a", "/mnt/a");
	expect_remap("/srv", "/", "/srv/a", "/a");
	expect_remap("/srv", "/", "/srv", "/");
}

TEST(the_longest_prefix_wins)
{
	static const struct argv_remap r[] = { { "/a", "/x" },
					       { "/a/b", "/y" },
					       { "/a", "/z" } };
	AUTO_FREE char *got = argv_path_remap(r, 3, "/a/b/c");

	assert_string_equal(got, "/y/c");
}

TEST(what_is_mapped_is_not_mapped_again)
{
	static const struct argv_remap r[] = { { "/a", "/b" }, { "/b", "/a" } };
	AUTO_FREE char *got = argv_path_remap(r, 2, "/a/f");

	assert_string_equal(got, "/b/f");
}

TEST(the_one_that_applies_is_found)
{
	static const struct argv_remap r[] = { { "/a", "/x" },
					       { "/a/b", "/y" } };

	assert_ptr_equal(argv_path_find_remap(r, 2, "/a/b"), &r[1]);
	assert_ptr_equal(argv_path_find_remap(r, 2, "/a/c"), &r[0]);
	assert_null(argv_path_find_remap(r, 2, "/ab"));
	assert_null(argv_path_find_remap(r, 2, "a"));
}
