/* SPDX-License-Identifier: MIT */
/* lane_speed: what is clearly faster; this machine compared with itself. */
#include "engine/run/lane_speed.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/in_task.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"
#include "transport/host_local.h"

static bool clear(double usual, double other)
{
	const struct lane_speed_found f = {
		.known = true,
		.usual_bps = usual,
		.other_bps = other,
	};

	return lane_speed_is_clear(&f);
}

TEST(a_quarter_more_is_clearly_faster)
{
	assert_true(clear(100, 125));
	assert_false(clear(100, 124));
	assert_false(clear(100, 50));
}

TEST(what_is_not_known_is_not_faster)
{
	const struct lane_speed_found f = { .usual_bps = 1, .other_bps = 9 };

	assert_false(lane_speed_is_clear(&f));
}

IN_TASK(two_ways_are_compared_or_time_is_up)
{
	struct host *a = host_local_new(), *b = host_local_new();
	struct mono begun = mono_now();
	struct lane_speed *s = lane_speed_begin(a, b);
	struct lane_speed_found f;
	struct err err = { 0 };

	assert_int_equal(lane_speed_end(s, &f, &err), 0);
	if (f.known) {
		assert_true(f.usual_bps > 0);
		assert_true(f.other_bps > 0);
		assert_null(f.why_not);
	} else {
		/* a busy machine */
		assert_non_null(f.why_not);
		assert_true(mono_diff_ms(mono_now(), begun) >= LANE_SPEED_MS);
	}
	free(f.why_not);
	host_close(a);
	host_close(b);
}

static struct tunnel *no_tunnel(struct host *h, const char *const *argv,
				struct mono deadline, struct err *err)
{
	(void)h;
	(void)argv;
	(void)deadline;
	err_set(err, ERR_NETWORK, "the line is dead");
	return NULL;
}

IN_TASK(a_way_that_does_not_open_is_no_comparison)
{
	static const struct host_ops dead = { .backend = "dead",
					      .tunnel_command = no_tunnel };
	struct host *a = host_local_new();
	struct host b = { .ops = &dead, .name = (char *)"b" };
	struct lane_speed *s = lane_speed_begin(a, &b);
	struct lane_speed_found f;
	struct err err = { 0 };

	assert_int_equal(lane_speed_end(s, &f, &err), 0);
	assert_false(f.known);
	assert_non_null(strstr(f.why_not, "the line is dead"));
	free(f.why_not);
	host_close(a);
}

IN_TASK(one_that_is_broken_off_leaves_nothing)
{
	struct host *a = host_local_new(), *b = host_local_new();
	struct lane_speed *s = lane_speed_begin(a, b);

	task_yield();
	lane_speed_free(s);
	lane_speed_free(NULL);
	host_close(a);
	host_close(b);
}
