/* SPDX-License-Identifier: MIT */
/* observe: what is made of the answers of a QEMU; one claim a test. */
#include "engine/recover/observe.h"

#include "tests/unit/qmp_fixture.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

enum { ANSWERS = 40 };

static const struct fake_step loading[] = {
	{ .expect = "query-migrate", .reply = "{\"status\":\"active\"}" },
	{ .expect = "query-status",
	  .reply = "{\"status\":\"inmigrate\",\"running\":false,"
		   "\"singlestep\":false}" },
};
static const struct fake_step loaded[] = {
	{ .expect = "query-migrate", .reply = "{\"status\":\"completed\"}" },
	{ .expect = "query-status",
	  .reply = "{\"status\":\"paused\",\"running\":false,"
		   "\"singlestep\":false}" },
	{ .leaves = true },
};

static void waits(struct qmp *q)
{
	assert_int_equal(observe_loading(q, SOON), SIDE_PAUSED);
}

/* More answers than came in the three seconds that were once enough. */
TEST(a_destination_that_loads_is_waited_for)
{
	struct fake_step steps[2 * ANSWERS + 3];

	for (int i = 0; i < 2 * ANSWERS; i++)
		steps[i] = loading[i % 2];
	for (int i = 0; i < 3; i++)
		steps[2 * ANSWERS + i] = loaded[i];
	WITH_SCRIPT(steps, waits);
}

static void gives_up(struct qmp *q)
{
	assert_int_equal(observe_loading(q, mono_now()), SIDE_MOVING);
}

TEST(it_is_not_waited_for_beyond_the_deadline)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-migrate",
		  .reply = "{\"status\":\"active\"}" },
		{ .expect = "query-status",
		  .reply = "{\"status\":\"inmigrate\",\"running\":false,"
			   "\"singlestep\":false}" },
		{ .leaves = true },
	};

	WITH_SCRIPT(steps, gives_up);
}

static void breaks_off(struct qmp *q)
{
	assert_int_equal(observe_loading(q, SOON), SIDE_UNKNOWN);
}

TEST(one_that_ends_while_it_loads_is_unknown)
{
	static const struct fake_step steps[] = {
		{ .expect = "query-migrate",
		  .reply = "{\"status\":\"active\"}" },
		{ .expect = "query-status",
		  .reply = "{\"status\":\"inmigrate\",\"running\":false,"
			   "\"singlestep\":false}" },
		{ .expect = "query-migrate", .close = true },
	};

	WITH_SCRIPT(steps, breaks_off);
}
