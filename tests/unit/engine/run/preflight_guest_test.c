/* SPDX-License-Identifier: MIT */
/* preflight_guest: what the guest is. */
#include "tests/unit/preflight_fixture.h"

TEST(a_remap_that_no_path_needs_is_refused)
{
	static const struct argv_remap remaps[] = { { "/a", "/b" },
						    { "/c", "/d" } };
	bool used[] = { true, false };

	opt.remaps = remaps;
	opt.n_remaps = 2;
	r.dest.plan.remapped = used;
	expect(preflight_check_remaps, "remap", CHECK_FAIL, "--remap /c=/d");
}

TEST(remaps_that_paths_need_are_fine)
{
	static const struct argv_remap remaps[] = { { "/a", "/b" } };
	bool used[] = { true };

	opt.remaps = remaps;
	opt.n_remaps = 1;
	r.dest.plan.remapped = used;
	expect_nothing(preflight_check_remaps);
}
