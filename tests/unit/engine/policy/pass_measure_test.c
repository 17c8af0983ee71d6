/* SPDX-License-Identifier: MIT */
/* pass_measure: from counters to a pass, by border values. */
#include "engine/policy/pass_measure.h"

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

/* 60 MB in 0.6 s, and 50 MB dirty at the sync; all went out that had to. */
static const struct pass_counts usual = {
	.number = 3,
	.at_s = 12.5,
	.seconds = 0.6,
	.sent_bytes = 60000000,
	.dirty_bytes = 50000000,
	.throttle = 0.2,
	.gate_ms = 40,
};
static const struct policy_pass before = { .dirty_bytes = 59000000 };

static struct policy_pass later(const struct pass_counts *c)
{
	return pass_measure(c, &before, 2);
}

TEST(what_was_counted_is_passed_on)
{
	struct policy_pass p = later(&usual);

	assert_int_equal(p.number, 3);
	assert_true(p.at_s == 12.5);
	assert_true(p.seconds == 0.6);
	assert_int_equal(p.sent_bytes, 60000000);
	assert_int_equal(p.dirty_bytes, 50000000);
	assert_true(p.throttle == 0.2);
	assert_true(p.gate_ms == 40);
}

TEST(the_bandwidth_is_what_the_tunnel_carried)
{
	assert_float_equal(later(&usual).bandwidth_bps, 100e6, 1);
}

TEST(a_pass_that_is_too_short_has_no_bandwidth)
{
	struct pass_counts c = usual;

	c.seconds = POLICY_LINK_PASS_S;
	assert_true(later(&c).bandwidth_bps == 0);
	c.seconds = POLICY_LINK_PASS_S * 1.01;
	assert_true(later(&c).bandwidth_bps > 0);
	c = usual;
	c.sent_bytes = 0;
	assert_true(later(&c).bandwidth_bps == 0);
	c.sent_bytes = 1;
	assert_true(later(&c).bandwidth_bps > 0);
}

TEST(the_first_pass_copied_what_it_sent)
{
	struct pass_counts c = usual;
	struct policy_pass p;

	c.sample_left_bytes = 7000000;
	p = pass_measure(&c, NULL, 0);
	assert_int_equal(p.copied_bytes, 60000000);
	assert_int_equal(p.left_bytes, 0);
	assert_float_equal(p.bandwidth_bps, 100e6, 1);
}

TEST(a_later_pass_copied_what_was_dirty_before_it)
{
	struct policy_pass p = later(&usual);

	assert_int_equal(p.left_bytes, 0);
	assert_int_equal(p.copied_bytes, 59000000);
}

/* 20 MB were left at the sample, of which so much went out until the sync. */
TEST(what_was_left_over_was_not_copied)
{
	static const struct {
		double left, since;
		int64_t over;
	} rows[] = {
		{ 20e6, 0, 20000000 },
		{ 20e6, 5e6, 15000000 },
		{ 20e6, 20e6, 0 },
		{ 20e6, 30e6, 0 },
		/* no more than is dirty now */
		{ 50e6, 0, 50000000 },
		{ 50e6 + 1, 0, 50000000 },
		{ 90e6, 0, 50000000 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pass_counts c = usual;
		struct policy_pass p;

		c.sample_left_bytes = rows[i].left;
		c.sample_since_bytes = rows[i].since;
		p = later(&c);
		assert_int_equal(p.left_bytes, rows[i].over);
		assert_int_equal(p.copied_bytes, 59000000 - rows[i].over);
	}
}

TEST(nothing_less_than_nothing_is_copied)
{
	static const struct policy_pass small = { .dirty_bytes = 1000000 };
	struct pass_counts c = usual;

	c.sample_left_bytes = 20e6;
	assert_int_equal(pass_measure(&c, &small, 2).copied_bytes, 0);
	c.sample_left_bytes = 1e6;
	assert_int_equal(pass_measure(&c, &small, 2).copied_bytes, 0);
	c.sample_left_bytes = 1e6 - 1;
	assert_int_equal(pass_measure(&c, &small, 2).copied_bytes, 1);
}

TEST(with_xbzrle_differences_are_sent_from_the_third_pass_on)
{
	struct pass_counts c = usual;

	c.xbzrle = true;
	assert_false(pass_measure(&c, NULL, 0).encoded);
	assert_false(pass_measure(&c, &before, 1).encoded);
	assert_true(pass_measure(&c, &before, 2).encoded);
	assert_true(pass_measure(&c, &before, 3).encoded);
	c.xbzrle = false;
	assert_false(pass_measure(&c, &before, 3).encoded);
}
