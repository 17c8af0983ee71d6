/* SPDX-License-Identifier: MIT */
/* observe: what is made of the answers of a QEMU; one claim a test. */
#include "engine/recover/observe.h"

#include <string.h>

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

/* --- one answer ----------------------------------------------------------- */

/* What QEMU answers, and what it is taken for. */
struct answer {
	const char *migration, *state;
	enum side_state side;
};
static const struct answer *asked;

static void expect_side(const struct answer *a, void (*body)(struct qmp *q))
{
	AUTO_FREE char *migration =
		xasprintf("{\"status\":\"%s\"}", a->migration);
	AUTO_FREE char *status = xasprintf(
		"{\"status\":\"%s\",\"running\":%s,\"singlestep\":false}",
		a->state, strcmp(a->state, "running") ? "false" : "true");
	const struct fake_step steps[] = {
		{ .expect = "query-migrate", .reply = migration },
		{ .expect = "query-status", .reply = status },
		{ .leaves = true },
	};

	asked = a;
	WITH_SCRIPT(steps, body);
}

static void is_source(struct qmp *q)
{
	enum migration_status m = MIGRATION_UNKNOWN;

	assert_int_equal(observe_source(q, &m), asked->side);
	assert_string_equal(migration_status_name(m), asked->migration);
}

TEST(a_source_is_what_its_migration_and_its_guest_say)
{
	static const struct answer answers[] = {
		{ "none", "running", SIDE_RUNS },
		{ "setup", "running", SIDE_MOVING },
		{ "active", "running", SIDE_MOVING },
		{ "pre-switchover", "finish-migrate", SIDE_MOVING },
		{ "cancelling", "paused", SIDE_MOVING },
		{ "failed", "finish-migrate", SIDE_MOVING },
		{ "device", "finish-migrate", SIDE_DEVICE },
		{ "cancelled", "running", SIDE_RUNS },
		{ "completed", "postmigrate", SIDE_POSTMIGRATE },
		{ "failed", "shutdown", SIDE_ENDED },
		{ "failed", "guest-panicked", SIDE_ENDED },
		{ "failed", "paused", SIDE_PAUSED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
		expect_side(&answers[i], is_source);
}

static void is_destination(struct qmp *q)
{
	assert_int_equal(observe_destination(q), asked->side);
}

TEST(a_destination_is_what_its_migration_and_its_guest_say)
{
	static const struct answer answers[] = {
		{ "completed", "running", SIDE_RUNS },
		{ "active", "inmigrate", SIDE_MOVING },
		{ "completed", "inmigrate", SIDE_MOVING },
		{ "active", "paused", SIDE_MOVING },
		{ "completed", "paused", SIDE_PAUSED },
		{ "completed", "prelaunch", SIDE_PAUSED },
		{ "completed", "postmigrate", SIDE_POSTMIGRATE },
		{ "completed", "finish-migrate", SIDE_POSTMIGRATE },
		{ "completed", "shutdown", SIDE_ENDED },
		{ "completed", "guest-panicked", SIDE_ENDED },
		{ "completed", "io-error", SIDE_RUNS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
		expect_side(&answers[i], is_destination);
}

static void is_unknown(struct qmp *q)
{
	enum migration_status m = MIGRATION_UNKNOWN;

	assert_int_equal(observe_source(q, &m), SIDE_UNKNOWN);
}

TEST(a_source_that_answers_only_one_question_is_unknown)
{
	static const struct fake_step first[] = {
		{ .expect = "query-migrate", .error = "busy" },
		{ .leaves = true },
	};
	static const struct fake_step second[] = {
		{ .expect = "query-migrate",
		  .reply = "{\"status\":\"failed\",\"error-desc\":\"x\"}" },
		{ .expect = "query-status", .error = "busy" },
		{ .leaves = true },
	};

	WITH_SCRIPT(first, is_unknown);
	WITH_SCRIPT(second, is_unknown);
}
