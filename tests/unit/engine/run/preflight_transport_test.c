/* SPDX-License-Identifier: MIT */
/* preflight_transport: what can carry the memory. */
#include "tests/unit/preflight_fixture.h"

TEST(what_carries_the_memory_is_reported)
{
	expect(preflight_check_transport, "transport", CHECK_PASS,
	       "carries the memory");
}

TEST(a_transport_that_cannot_be_had_is_refused_with_its_remedy)
{
	r.lane.way = LANE_OPENSSH;
	r.lane.refusal = (char *)"no ssh(1) here";
	r.lane.remedy = (char *)"install it";
	expect(preflight_check_transport, "transport", CHECK_FAIL,
	       "--transport openssh cannot be had: no ssh(1) here");
	assert_string_equal(r.checks.v[0].remedy, "install it");
}
