/* SPDX-License-Identifier: MIT */
/* Tests of engine/argv/argv_work.c. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/argv/argv_work.h"
#include "tests/unit/argv_case.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static const struct argv_remap remap = { "/srv/images", "/pool" };
static const struct argv_input input = {
	.cwd = "/srv",
	.run_dir = "/r",
	.remaps = &remap,
	.n_remaps = 1,
};

static void expect_path(const char *path, const char *expected, bool relative)
{
	struct argv_plan plan = { .remapped = XNEW(bool) };
	struct argv_work w = { .in = &input, .out = &plan };
	AUTO_FREE char *got = argv_work_path(&w, path);

	assert_string_equal(got, expected);
	assert_int_equal(w.relative, relative);
	argv_plan_free(&plan);
}

TEST(paths_stay_as_they_were_written_if_they_can)
{
	expect_path("/a//b/./c", "/a//b/./c", false);
	expect_path("/srv/images/a", "/pool/a", false);
	expect_path("x/../a", "x/../a", true);
	expect_path("images/a", "/pool/a", false);
}

TEST(without_a_directory_relative_paths_are_left_alone)
{
	struct argv_input in = { .run_dir = "/r" };
	struct argv_plan plan = { .remapped = XNEW(bool) };
	struct argv_work w = { .in = &in, .out = &plan };
	AUTO_FREE char *got = argv_work_path(&w, "a");

	assert_string_equal(got, "a");
	argv_work_file(&w, "a", (struct argv_use){ .kind = ARGV_IMAGE });
	assert_int_equal(plan.n_files, 0);
	argv_plan_free(&plan);
}

TEST(a_file_is_listed_once)
{
	struct argv_plan plan = { .remapped = XNEW(bool) };
	struct argv_work w = { .in = &input, .out = &plan };

	argv_work_file(&w, "/srv/images/a",
		       (struct argv_use){ .kind = ARGV_IMAGE,
					  .writable = true });
	argv_work_file(&w, "images/./a",
		       (struct argv_use){ .kind = ARGV_OTHER });
	assert_int_equal(plan.n_files, 1);
	assert_string_equal(plan.files[0].path, "/pool/a");
	assert_true(plan.files[0].writable);
	argv_plan_free(&plan);
}

TEST(what_is_made_needs_its_directory)
{
	struct argv_plan plan = { .remapped = XNEW(bool) };
	struct argv_work w = { .in = &input, .out = &plan };

	argv_work_parent(&w, "/var/log/a");
	argv_work_parent(&w, "/a");
	assert_string_equal(plan.files[0].path, "/var/log");
	assert_string_equal(plan.files[1].path, "/");
	assert_true(plan.files[0].directory && plan.files[0].writable);
	argv_plan_free(&plan);
}

TEST(a_binding_is_recorded)
{
	struct argv_plan plan = { .remapped = XNEW(bool) };
	struct argv_work w = { .in = &input, .out = &plan };

	assert_string_equal(argv_work_bind(&w, "images/s"), "/r/s0.sock");
	assert_string_equal(argv_work_bind(&w, "/t"), "/r/s1.sock");
	assert_string_equal(plan.moves.v[0].public, "/pool/s");
	assert_false(w.too_long);
	argv_plan_free(&plan);
}

TEST(descriptors_are_known_by_key_and_by_path)
{
	static const char *const bad[] = { "fd=1", "a.fd=1", "vhostfds=1:2",
					   "addr.type=fd,addr.str=1" };
	static const char *const good[] = { "xfd=1", "type=fd", "id=fd" };

	for (size_t i = 0; i < ARRAY_SIZE(bad) + ARRAY_SIZE(good); i++) {
		bool is_bad = i < ARRAY_SIZE(bad);
		const char *text = is_bad ? bad[i] : good[i - ARRAY_SIZE(bad)];
		struct argv_plan plan = { .remapped = XNEW(bool) };
		struct argv_work w = { .in = &input, .out = &plan };
		struct argv_item it = { .word = "-x", .value = text };
		AUTO_OPT struct argv_opt o = { .v = NULL };

		argv_opt_init(&o, text, NULL);
		assert_int_equal(argv_work_has_fd(&w, &it, &o), is_bad);
		assert_int_equal(argv_case_noted(&plan, ARGV_REFUSED, ""),
				 is_bad);
		argv_plan_free(&plan);
	}
	assert_true(argv_work_path_is_fd("/dev/fdset/1"));
	assert_true(argv_work_path_is_fd("/dev/fd/3"));
	assert_true(argv_work_path_is_fd("/proc/self/fd/3"));
	assert_false(argv_work_path_is_fd("/dev/fd0"));
	assert_false(argv_work_path_is_fd("/srv/a"));
}
