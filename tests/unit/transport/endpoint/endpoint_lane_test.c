/* SPDX-License-Identifier: MIT */
/* endpoint_lane: bytes between a source and a sink. */
#include "transport/endpoint/endpoint_lane.h"

#include <string.h>

#include "tests/unit/test.h"

static struct endpoint_lane lane;
static const struct mono t1 = { 1000 }, t2 = { 2000 };

static int setup(void **state)
{
	(void)state;
	endpoint_lane_init(&lane);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	endpoint_lane_fini(&lane);
	return 0;
}

TEST_FIXTURE(setup, teardown);

/* The source gives @n bytes, of which each is @byte. */
static void fill(size_t n, int byte, struct mono now)
{
	size_t len;
	unsigned char *room = endpoint_lane_room(&lane, &len);

	assert_true(n <= len);
	memset(room, byte, n);
	endpoint_lane_filled(&lane, n, now);
}

TEST(an_empty_lane_wants_and_has_nothing)
{
	assert_true(endpoint_lane_wants(&lane));
	assert_false(endpoint_lane_has(&lane));
}

TEST(less_than_a_packet_waits_for_more_until_the_source_is_dry)
{
	fill(100, 'a', t1);
	assert_true(endpoint_lane_wants(&lane));
	assert_false(endpoint_lane_has(&lane));
	lane.dry = true;
	assert_true(endpoint_lane_has(&lane));
}

TEST(less_than_a_packet_is_all_there_is_at_the_end)
{
	fill(100, 'a', t1);
	lane.end = ENDPOINT_LANE_EOF;
	assert_false(endpoint_lane_wants(&lane));
	assert_true(endpoint_lane_has(&lane));
}

TEST(a_packet_goes_at_once_and_nothing_more_is_wanted)
{
	fill(ENDPOINT_LANE_PACKET, 'a', t1);
	assert_false(endpoint_lane_wants(&lane));
	assert_true(endpoint_lane_has(&lane));
	endpoint_lane_drained(&lane, 1, t1);
	assert_true(endpoint_lane_wants(&lane));
}

TEST(what_is_left_keeps_its_order_when_more_comes)
{
	size_t len;

	fill(10, 'a', t1);
	endpoint_lane_drained(&lane, 4, t1);
	fill(3, 'b', t1);
	assert_int_equal(lane.len, 9);
	assert_memory_equal(lane.bytes + lane.start, "aaaaaabbb", 9);
	(void)endpoint_lane_room(&lane, &len);
	assert_int_equal(len, ENDPOINT_LANE_BYTES - 9);
}

TEST(its_sink_takes_nothing_since_the_first_byte_or_the_last_taken)
{
	fill(10, 'a', t1);
	fill(10, 'b', t2);
	assert_int_equal(lane.since.us, t1.us);
	endpoint_lane_drained(&lane, 5, t2);
	assert_int_equal(lane.since.us, t2.us);
}

TEST(a_direction_that_is_not_there_wants_nothing)
{
	struct endpoint_lane none = { .bytes = NULL };

	assert_false(endpoint_lane_wants(&none));
	assert_false(endpoint_lane_has(&none));
	endpoint_lane_fini(&none);
}
