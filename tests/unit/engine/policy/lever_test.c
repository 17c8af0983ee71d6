/* SPDX-License-Identifier: MIT */
/* lever: gates and throttles as QEMU takes them, by table. */
#include "engine/policy/lever.h"

#include <math.h>

#include "engine/policy/policy_constants.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

TEST(a_limit_is_the_gate_times_the_ratio_in_whole_ms)
{
	static const struct {
		double ms, ratio, limit;
	} rows[] = {
		{ 1, 1, 1 },
		{ 300, 1, 300 },
		{ 300.9, 1, 300 },
		{ 100, 2, 200 },
		{ 10, 1.25, 12 },
		{ 100, 8, 800 },
		/* a stream is never denser than memory */
		{ 300, 0, 300 },
		{ 300, 0.5, 300 },
		/* and what xbzrle gained once is not believed without end */
		{ 100, 8.1, 800 },
		{ 100, 1000, 800 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_true(lever_limit_ms(rows[i].ms, rows[i].ratio) ==
			    rows[i].limit);
}

TEST(a_limit_is_no_wider_than_qemu_takes)
{
	assert_true(lever_limit_ms(POLICY_WIDE_MS, 1) == POLICY_WIDE_MS);
	assert_true(lever_limit_ms(POLICY_WIDE_MS - 1, 1) ==
		    POLICY_WIDE_MS - 1);
	assert_true(lever_limit_ms(POLICY_WIDE_MS, 2) == POLICY_WIDE_MS);
	assert_true(lever_limit_ms(POLICY_WIDE_MS + 1, 1) == POLICY_WIDE_MS);
}

TEST(a_tenth_up_or_down_is_near)
{
	static const struct {
		double a, b;
		bool near;
	} rows[] = {
		{ 100, 100, true },  { 109, 100, true },   { 91, 100, true },
		{ 111, 100, false }, { 89, 100, false },   { 0, 0, true },
		{ 0, 100, false },   { 100, 0, false },	   { 1, 2, false },
		{ 2, 1, false },     { -100, 100, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(lever_is_near(rows[i].a, rows[i].b),
				 rows[i].near);
}

TEST(a_throttle_is_rounded_to_percent_and_1_is_the_least)
{
	static const struct {
		double share;
		unsigned int percent;
	} rows[] = {
		{ 0, 1 },      { 0.004, 1 }, { 0.01, 1 },  { 0.011, 1 },
		{ 0.016, 2 },  { 0.02, 2 },  { 0.29, 29 }, { 0.295, 30 },
		{ 0.574, 57 }, { 0.9, 90 },  { 0.99, 99 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(lever_percent(rows[i].share), rows[i].percent);
}

TEST(one_percent_is_armed_and_takes_nothing)
{
	assert_true(lever_share(0) == 0);
	assert_true(lever_share(1) == 0);
	assert_true(lever_share(2) == 0.02);
	assert_true(lever_share(99) == 0.99);
}

TEST(what_is_set_is_what_is_read_back)
{
	for (int percent = 2; percent <= 99; percent++)
		assert_int_equal(lever_percent(lever_share(percent)), percent);
}
