/* SPDX-License-Identifier: MIT */
/* policy_list: every policy is listed once and found by its name. */
#include "engine/policy/policy_list.h"

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

TEST(all_policies_are_found_by_their_names)
{
	for (size_t i = 0; policy_list[i]; i++)
		assert_ptr_equal(policy_find(policy_list[i]->name),
				 policy_list[i]);
	assert_null(policy_find("none of them"));
}

/* The order is the one in which help and `replay` show them. */
TEST(auto_comes_first_and_then_the_peers)
{
	static const char *const names[] = {
		"auto", "qemu",	    "proxmox",	     "ovirt",
		"nova", "kubevirt", "auto-converge",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_string_equal(policy_list[i]->name, names[i]);
	assert_null(policy_list[ARRAY_SIZE(names)]);
}
