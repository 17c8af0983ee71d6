/* SPDX-License-Identifier: MIT */
/* Tests of engine/event/result.c. */
#include <stdlib.h>
#include <string.h>

#include "engine/event/result.h"
#include "qmp/json.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static void sample(struct result *r, enum outcome outcome, enum owner owner)
{
	result_init(r);
	r->outcome = outcome;
	r->owner = owner;
	r->guest = xstrdup("web1");
	r->source = xstrdup("hosta");
	r->destination = xstrdup("hostb");
	r->state = "RUNNING";
	r->owner_pid = 7781;
}

static void assert_line(enum outcome outcome, enum owner owner,
			const char *leftover, const char *expected)
{
	struct result r;
	AUTO_FREE char *line = NULL;

	sample(&r, outcome, owner);
	if (leftover)
		strv_push(&r.leftovers, leftover);
	line = result_last_line(&r);
	assert_string_equal(line, expected);
	result_free(&r);
}

static int code(enum outcome outcome, const char *leftover)
{
	struct result r;
	int exit_code;

	result_init(&r);
	r.outcome = outcome;
	if (leftover)
		strv_push(&r.leftovers, leftover);
	exit_code = result_exit_code(&r);
	result_free(&r);
	return exit_code;
}

TEST(leftovers_turn_a_success_into_8)
{
	assert_int_equal(code(OUTCOME_MIGRATED, NULL), 0);
	assert_int_equal(code(OUTCOME_MIGRATED, "x"), 8);
}

TEST(the_last_line_of_a_success_names_both_sides)
{
	assert_line(OUTCOME_MIGRATED, OWNER_DESTINATION, NULL,
		    "web1 is RUNNING on hostb (pid 7781). Source stopped.");
}

TEST(the_last_line_names_what_is_left_over)
{
	assert_line(OUTCOME_MIGRATED, OWNER_DESTINATION, "hosta: QEMU 4211",
		    "web1 is RUNNING on hostb (pid 7781). "
		    "Left to clean up: hosta: QEMU 4211.");
}

TEST(a_refusal_says_that_nothing_was_changed)
{
	assert_line(OUTCOME_REFUSED, OWNER_SOURCE, NULL,
		    "Nothing was changed. "
		    "web1 is RUNNING on hosta (pid 7781).");
}

TEST(a_rollback_says_that_it_was_undone)
{
	assert_line(OUTCOME_FAILED, OWNER_SOURCE, NULL,
		    "web1 is RUNNING on hosta (pid 7781). "
		    "Everything was undone.");
}

TEST(an_ended_guest_runs_nowhere)
{
	assert_line(OUTCOME_ENDED, OWNER_NONE, NULL,
		    "web1 runs nowhere: it ended by itself.");
}

TEST(an_undecided_owner_is_not_guessed)
{
	assert_line(OUTCOME_UNDECIDED, OWNER_UNKNOWN, NULL,
		    "Nothing was started or killed. "
		    "It is not known whether web1 runs on hosta or on hostb.");
}

TEST(a_missing_guest_is_named_with_its_host)
{
	assert_line(OUTCOME_NO_GUEST, OWNER_UNKNOWN, NULL,
		    "Nothing was changed. There is no guest web1 on hosta.");
}

TEST(without_a_guest_the_last_line_still_speaks)
{
	struct result r;
	AUTO_FREE char *line = NULL;

	result_init(&r);
	line = result_last_line(&r);
	assert_string_equal(line, "No guest was touched.");
	result_free(&r);
}

TEST(unknown_numbers_are_null_in_json)
{
	struct result r;
	AUTO_JSON struct json_object *o = NULL;
	static const char *const keys[] = {
		"run",
		"guest",
		"total_ms",
		"blackout_ms",
		"passes",
		"blackout_uncertainty_ms",
		"qemu_downtime_ms",
		"streams",
		"attempts",
		"earlier_pause_ms",
		"switchover_round_trips",
		"state_storage",
		"transferred_bytes",
		"disk_bytes",
		"throughput_bps",
		"transport",
		"decision",
		"error",
		"owner_pid",
	};

	result_init(&r);
	o = result_to_json(&r);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		struct json_object *v;

		assert_true(json_object_object_get_ex(o, keys[i], &v));
		assert_null(v);
	}
	result_free(&r);
}

TEST(json_carries_outcome_owner_and_forecast)
{
	struct result r;
	AUTO_JSON struct json_object *o = NULL;
	AUTO_FREE char *line = NULL;

	sample(&r, OUTCOME_MIGRATED, OWNER_DESTINATION);
	r.blackout_ms = 48.25;
	r.switchover_round_trips = 3;
	r.passes = 5;
	r.forecast_converges = 1;
	r.forecast_total_ms = 19600;
	o = result_to_json(&r);
	line = json_line(o);
	assert_non_null(strstr(line, "\"outcome\":\"migrated\","
				     "\"exit_code\":0"));
	assert_non_null(strstr(line, "\"owner\":\"destination\""));
	assert_non_null(strstr(line, "\"blackout_ms\":48.25"));
	assert_non_null(strstr(line, "\"switchover_round_trips\":3"));
	assert_non_null(strstr(line, "\"passes\":5"));
	assert_non_null(strstr(line, "\"forecast\":{\"total_ms\":19600,"
				     "\"blackout_ms\":null,"
				     "\"converges\":true}"));
	result_free(&r);
}

TEST(json_spells_the_error_out)
{
	struct err e = { 0 };
	AUTO_JSON struct json_object *o = NULL;
	AUTO_FREE char *line = NULL;

	err_set(&e, ERR_NETWORK, "Connection refused");
	err_wrap(&e, ERR_NONE, "cannot reach it");
	err_at_host(&e, "hostb");
	err_hint(&e, "start sshd");
	o = result_error_to_json(&e);
	line = json_line(o);
	assert_string_equal(line, "{\"kind\":\"network\","
				  "\"message\":\"cannot reach it\","
				  "\"host\":\"hostb\","
				  "\"cause\":[\"Connection refused\"],"
				  "\"hint\":\"start sshd\"}");
	err_reset(&e);
}
