/* SPDX-License-Identifier: MIT */
/*
 * verdict: one claim a test. What must hold for every input is checked over
 * every input; then the rows that people rely on, one by one.
 */
#include "engine/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "transport/base/xalloc.h"

/* --- every input --------------------------------------------------------- */

enum {
	TRIPLES = (JOURNAL_RECORDS + 1) * SIDE_STATES * SIDE_STATES,
	INPUTS = TRIPLES << 4, /* four flags */
};

/* The empty journal (JOURNAL_RECORDS) is an input, too. */
static struct verdict_input input(int n)
{
	int triple = n >> 4;

	return (struct verdict_input){
		.destination = (enum side_state)(triple % SIDE_STATES),
		.source = (enum side_state)(triple / SIDE_STATES % SIDE_STATES),
		.journal = (enum journal_record)(triple / SIDE_STATES /
						 SIDE_STATES),
		.was_running = n & 1,
		.disks_moved = n & 2,
		.disks_synced = n & 4,
		.source_unwatched = n & 8,
	};
}

static void show(const struct verdict_input *in, struct verdict_output out)
{
	print_error("%s source=%s destination=%s: %s, %s\n",
		    in->journal < JOURNAL_RECORDS
			    ? journal_record_name(in->journal)
			    : "(empty)",
		    side_state_name(in->source),
		    side_state_name(in->destination), verdict_name(out.verdict),
		    out.why);
}

static void check_all(bool (*ok)(const struct verdict_input *in,
				 struct verdict_output out))
{
	int bad = 0;

	for (int n = 0; n < INPUTS; n++) {
		struct verdict_input in = input(n);
		struct verdict_output out = verdict_decide(&in);

		if (ok(&in, out))
			continue;
		show(&in, out);
		bad++;
	}
	assert_int_equal(bad, 0);
}

static bool starts_source(struct verdict_output out)
{
	return out.verdict == VERDICT_ABORT || out.verdict == VERDICT_TAKE_BACK;
}

static bool told_to_run(const struct verdict_input *in)
{
	return in->journal == JOURNAL_COMMIT ||
	       in->journal == JOURNAL_ROLLBACK ||
	       in->journal == JOURNAL_DESTRUN;
}

/* It runs, has run, was moved on; or nobody can say after COMMIT. */
static bool destination_may_run(const struct verdict_input *in)
{
	switch (in->destination) {
	case SIDE_RUNS:
	case SIDE_DEVICE:
	case SIDE_POSTMIGRATE:
		return true;
	case SIDE_UNKNOWN:
	case SIDE_MOVING:
	case SIDE_ENDED:
		return told_to_run(in);
	default:
		return false;
	}
}

static const char *catch_all(void)
{
	struct verdict_input none = { .journal = (enum journal_record)1000 };

	return verdict_decide(&none).why;
}

static bool is_deliberate(const struct verdict_input *in,
			  struct verdict_output out)
{
	(void)in;
	return out.verdict < VERDICTS && out.why && *out.why &&
	       strcmp(out.why, catch_all());
}

static void every_state_has_a_row_of_its_own(void **state)
{
	(void)state;
	check_all(is_deliberate);
}

static void every_verdict_is_given_to_some_state(void **state)
{
	bool given[VERDICTS] = { false };

	(void)state;
	for (int n = 0; n < INPUTS; n++) {
		struct verdict_input in = input(n);

		given[verdict_decide(&in).verdict] = true;
	}
	for (int v = 0; v < VERDICTS; v++)
		assert_true(given[v]);
}

static void values_outside_the_enums_are_held(void **state)
{
	struct verdict_input bad[] = {
		{ .journal = (enum journal_record)(JOURNAL_RECORDS + 1) },
		{ .journal = (enum journal_record) - 1 },
		{ .journal = JOURNAL_DESTRUN, .source = SIDE_STATES },
		{ .journal = JOURNAL_DESTRUN, .destination = SIDE_STATES },
		{ .journal = JOURNAL_DONE, .source = (enum side_state) - 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(verdict_decide(&bad[i]).verdict, VERDICT_HOLD);
}

static bool no_second_runner_at_source(const struct verdict_input *in,
				       struct verdict_output out)
{
	return !starts_source(out) || !destination_may_run(in);
}

static void never_starts_the_source_when_the_destination_may_run(void **state)
{
	(void)state;
	check_all(no_second_runner_at_source);
}

static bool source_only_back_by_rollback(const struct verdict_input *in,
					 struct verdict_output out)
{
	return !told_to_run(in) || !starts_source(out) ||
	       (in->journal == JOURNAL_ROLLBACK &&
		out.verdict == VERDICT_TAKE_BACK);
}

static void only_rollback_gives_the_guest_back_after_commit(void **state)
{
	(void)state;
	check_all(source_only_back_by_rollback);
}

static bool starts_a_source_that_answers(const struct verdict_input *in,
					 struct verdict_output out)
{
	return !starts_source(out) ||
	       (in->source != SIDE_UNKNOWN && in->source != SIDE_GONE &&
		in->source != SIDE_ENDED);
}

static void goes_back_only_to_a_source_that_answers(void **state)
{
	(void)state;
	check_all(starts_a_source_that_answers);
}

static bool no_second_runner_at_destination(const struct verdict_input *in,
					    struct verdict_output out)
{
	return out.verdict != VERDICT_FORWARD || in->source == SIDE_GONE ||
	       (in->source == SIDE_POSTMIGRATE && told_to_run(in));
}

static void never_goes_forward_when_the_source_may_run(void **state)
{
	(void)state;
	check_all(no_second_runner_at_destination);
}

static bool forward_needs_loaded(const struct verdict_input *in,
				 struct verdict_output out)
{
	return out.verdict != VERDICT_FORWARD || in->destination == SIDE_PAUSED;
}

static void goes_forward_only_with_a_loaded_destination(void **state)
{
	(void)state;
	check_all(forward_needs_loaded);
}

static bool forward_needs_current_copy(const struct verdict_input *in,
				       struct verdict_output out)
{
	return out.verdict != VERDICT_FORWARD || told_to_run(in) ||
	       (in->journal == JOURNAL_SWITCH && !in->source_unwatched &&
		(!in->disks_moved || in->disks_synced));
}

static void without_commit_goes_forward_only_with_a_current_copy(void **state)
{
	(void)state;
	check_all(forward_needs_current_copy);
}

static bool finish_needs_commit(const struct verdict_input *in,
				struct verdict_output out)
{
	return out.verdict != VERDICT_FINISH || told_to_run(in);
}

static void never_quits_the_source_for_a_guest_not_committed(void **state)
{
	(void)state;
	check_all(finish_needs_commit);
}

static bool unknown_changes_nothing(const struct verdict_input *in,
				    struct verdict_output out)
{
	if (in->source != SIDE_UNKNOWN || in->destination == SIDE_RUNS ||
	    in->destination == SIDE_ENDED || in->journal == JOURNAL_DESTRUN)
		return true;
	return out.verdict == VERDICT_HOLD || out.verdict == VERDICT_NOTHING ||
	       out.verdict == VERDICT_PERSON;
}

static void nothing_is_done_behind_an_unknown_source(void **state)
{
	(void)state;
	check_all(unknown_changes_nothing);
}

static bool is_final(const struct verdict_input *in)
{
	return in->journal == JOURNAL_RECORDS || journal_is_final(in->journal);
}

static bool nothing_iff_final(const struct verdict_input *in,
			      struct verdict_output out)
{
	return is_final(in) == (out.verdict == VERDICT_NOTHING);
}

static void nothing_is_done_after_the_end_and_only_then(void **state)
{
	(void)state;
	check_all(nothing_iff_final);
}

static bool same_for_a_paused_guest(const struct verdict_input *in,
				    struct verdict_output out)
{
	struct verdict_input other = *in;

	other.was_running = !in->was_running;
	return verdict_decide(&other).verdict == out.verdict;
}

static void a_paused_guest_gets_the_same_verdict(void **state)
{
	(void)state;
	check_all(same_for_a_paused_guest);
}

/* Someone must act or decide only where asking again cannot help. */
static bool hold_can_end(const struct verdict_input *in,
			 struct verdict_output out)
{
	return out.verdict != VERDICT_HOLD || in->source == SIDE_UNKNOWN ||
	       in->destination == SIDE_UNKNOWN ||
	       in->destination == SIDE_MOVING;
}

static void holds_only_for_what_can_become_known(void **state)
{
	(void)state;
	check_all(hold_can_end);
}

/* --- the rows people rely on --------------------------------------------- */

static enum verdict decide(enum journal_record j, enum side_state source,
			   enum side_state destination)
{
	struct verdict_input in = {
		.journal = j,
		.source = source,
		.destination = destination,
		.was_running = true,
	};

	return verdict_decide(&in).verdict;
}

static const enum journal_record before_commit[] = {
	JOURNAL_BEGIN,	 JOURNAL_PREP,	 JOURNAL_DEST,
	JOURNAL_MIGRATE, JOURNAL_SWITCH, JOURNAL_ABORTING,
};

static void expect_before_commit(enum side_state source,
				 enum side_state destination,
				 enum verdict expected)
{
	for (size_t i = 0; i < ARRAY_SIZE(before_commit); i++)
		assert_int_equal(decide(before_commit[i], source, destination),
				 expected);
}

static const enum side_state alive[] = { SIDE_RUNS, SIDE_PAUSED, SIDE_MOVING,
					 SIDE_DEVICE, SIDE_POSTMIGRATE };

static void before_commit_a_live_source_keeps_the_guest(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(alive); i++) {
		expect_before_commit(alive[i], SIDE_GONE, VERDICT_ABORT);
		expect_before_commit(alive[i], SIDE_MOVING, VERDICT_ABORT);
		expect_before_commit(alive[i], SIDE_PAUSED, VERDICT_ABORT);
	}
}

static void before_commit_the_destination_need_not_be_reachable(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(alive); i++)
		expect_before_commit(alive[i], SIDE_UNKNOWN, VERDICT_ABORT);
}

static void before_commit_a_running_destination_is_for_a_person(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(alive); i++)
		expect_before_commit(alive[i], SIDE_RUNS, VERDICT_PERSON);
	expect_before_commit(SIDE_GONE, SIDE_RUNS, VERDICT_PERSON);
}

static void before_commit_an_unknown_source_is_held(void **state)
{
	(void)state;
	for (int d = 0; d < SIDE_STATES; d++)
		expect_before_commit(SIDE_UNKNOWN, (enum side_state)d,
				     VERDICT_HOLD);
}

static void before_commit_a_guest_that_ended_is_lost(void **state)
{
	(void)state;
	expect_before_commit(SIDE_ENDED, SIDE_PAUSED, VERDICT_LOST);
	expect_before_commit(SIDE_ENDED, SIDE_UNKNOWN, VERDICT_LOST);
}

static void a_source_gone_before_the_switch_takes_the_guest_along(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(before_commit); i++) {
		if (before_commit[i] == JOURNAL_SWITCH)
			continue;
		assert_int_equal(decide(before_commit[i], SIDE_GONE,
					SIDE_PAUSED),
				 VERDICT_LOST);
		assert_int_equal(decide(before_commit[i], SIDE_GONE,
					SIDE_UNKNOWN),
				 VERDICT_LOST);
	}
}

static void a_destination_that_is_not_loaded_does_not_replace(void **state)
{
	(void)state;
	assert_int_equal(decide(JOURNAL_SWITCH, SIDE_GONE, SIDE_MOVING),
			 VERDICT_LOST);
	assert_int_equal(decide(JOURNAL_SWITCH, SIDE_GONE, SIDE_GONE),
			 VERDICT_LOST);
}

static void a_loaded_destination_replaces_a_source_that_died(void **state)
{
	(void)state;
	assert_int_equal(decide(JOURNAL_SWITCH, SIDE_GONE, SIDE_PAUSED),
			 VERDICT_FORWARD);
}

static void a_source_gone_unwatched_may_have_run_on(void **state)
{
	struct verdict_input in = {
		.journal = JOURNAL_SWITCH,
		.source = SIDE_GONE,
		.destination = SIDE_PAUSED,
		.source_unwatched = true,
	};

	(void)state;
	assert_int_equal(verdict_decide(&in).verdict, VERDICT_PERSON);
}

static void stale_disks_do_not_replace_the_source(void **state)
{
	struct verdict_input in = {
		.journal = JOURNAL_SWITCH,
		.source = SIDE_GONE,
		.destination = SIDE_PAUSED,
		.disks_moved = true,
	};

	(void)state;
	assert_int_equal(verdict_decide(&in).verdict, VERDICT_LOST);
	in.disks_synced = true;
	assert_int_equal(verdict_decide(&in).verdict, VERDICT_FORWARD);
}

static void the_only_copy_out_of_reach_is_held(void **state)
{
	(void)state;
	assert_int_equal(decide(JOURNAL_SWITCH, SIDE_GONE, SIDE_UNKNOWN),
			 VERDICT_HOLD);
}

static void committed_and_running_there_is_finished(void **state)
{
	(void)state;
	assert_int_equal(decide(JOURNAL_COMMIT, SIDE_POSTMIGRATE, SIDE_RUNS),
			 VERDICT_FINISH);
	assert_int_equal(decide(JOURNAL_COMMIT, SIDE_GONE, SIDE_RUNS),
			 VERDICT_FINISH);
	assert_int_equal(decide(JOURNAL_COMMIT, SIDE_UNKNOWN, SIDE_RUNS),
			 VERDICT_FINISH);
}

static void committed_and_paused_there_goes_forward(void **state)
{
	(void)state;
	assert_int_equal(decide(JOURNAL_COMMIT, SIDE_POSTMIGRATE, SIDE_PAUSED),
			 VERDICT_FORWARD);
	assert_int_equal(decide(JOURNAL_COMMIT, SIDE_GONE, SIDE_PAUSED),
			 VERDICT_FORWARD);
}

static void committed_and_still_loading_is_held(void **state)
{
	(void)state;
	assert_int_equal(decide(JOURNAL_COMMIT, SIDE_POSTMIGRATE, SIDE_MOVING),
			 VERDICT_HOLD);
	assert_int_equal(decide(JOURNAL_COMMIT, SIDE_GONE, SIDE_MOVING),
			 VERDICT_HOLD);
	assert_int_equal(decide(JOURNAL_COMMIT, SIDE_UNKNOWN, SIDE_MOVING),
			 VERDICT_HOLD);
}

static void committed_and_out_of_reach_is_held(void **state)
{
	(void)state;
	assert_int_equal(decide(JOURNAL_COMMIT, SIDE_POSTMIGRATE, SIDE_UNKNOWN),
			 VERDICT_HOLD);
	assert_int_equal(decide(JOURNAL_COMMIT, SIDE_GONE, SIDE_UNKNOWN),
			 VERDICT_HOLD);
}

static void committed_and_gone_there_is_for_a_person(void **state)
{
	(void)state;
	assert_int_equal(decide(JOURNAL_COMMIT, SIDE_POSTMIGRATE, SIDE_GONE),
			 VERDICT_PERSON);
}

static void committed_and_gone_on_both_sides_is_lost(void **state)
{
	(void)state;
	assert_int_equal(decide(JOURNAL_COMMIT, SIDE_GONE, SIDE_GONE),
			 VERDICT_LOST);
}

static void committed_yet_running_on_the_source_is_for_a_person(void **state)
{
	(void)state;
	for (int d = 0; d < SIDE_STATES; d++)
		assert_int_equal(decide(JOURNAL_COMMIT, SIDE_RUNS,
					(enum side_state)d),
				 VERDICT_PERSON);
}

static void a_guest_that_somebody_moved_on_is_for_a_person(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(alive); i++) {
		expect_before_commit(alive[i], SIDE_DEVICE, VERDICT_PERSON);
		expect_before_commit(alive[i], SIDE_POSTMIGRATE,
				     VERDICT_PERSON);
	}
	assert_int_equal(decide(JOURNAL_COMMIT, SIDE_POSTMIGRATE,
				SIDE_POSTMIGRATE),
			 VERDICT_PERSON);
}

static void committed_and_ended_there_is_finished(void **state)
{
	(void)state;
	assert_int_equal(decide(JOURNAL_COMMIT, SIDE_POSTMIGRATE, SIDE_ENDED),
			 VERDICT_FINISH);
	assert_int_equal(decide(JOURNAL_ROLLBACK, SIDE_GONE, SIDE_ENDED),
			 VERDICT_FINISH);
}

static void committed_yet_ended_on_the_source_is_for_a_person(void **state)
{
	(void)state;
	assert_int_equal(decide(JOURNAL_COMMIT, SIDE_ENDED, SIDE_PAUSED),
			 VERDICT_PERSON);
	assert_int_equal(decide(JOURNAL_ROLLBACK, SIDE_ENDED, SIDE_GONE),
			 VERDICT_PERSON);
}

static void a_refused_guest_goes_back(void **state)
{
	(void)state;
	assert_int_equal(decide(JOURNAL_ROLLBACK, SIDE_POSTMIGRATE,
				SIDE_PAUSED),
			 VERDICT_TAKE_BACK);
	assert_int_equal(decide(JOURNAL_ROLLBACK, SIDE_POSTMIGRATE, SIDE_GONE),
			 VERDICT_TAKE_BACK);
}

static void a_refused_guest_out_of_reach_is_held(void **state)
{
	(void)state;
	assert_int_equal(decide(JOURNAL_ROLLBACK, SIDE_POSTMIGRATE,
				SIDE_UNKNOWN),
			 VERDICT_HOLD);
}

static void a_refused_guest_that_runs_after_all_is_finished(void **state)
{
	(void)state;
	assert_int_equal(decide(JOURNAL_ROLLBACK, SIDE_POSTMIGRATE, SIDE_RUNS),
			 VERDICT_FINISH);
}

static void a_refused_guest_without_a_source_is_tried_again(void **state)
{
	(void)state;
	assert_int_equal(decide(JOURNAL_ROLLBACK, SIDE_GONE, SIDE_PAUSED),
			 VERDICT_FORWARD);
}

static void seen_running_there_is_finished_whatever_is_seen_now(void **state)
{
	(void)state;
	for (int s = 0; s < SIDE_STATES; s++)
		for (int d = 0; d < SIDE_STATES; d++)
			assert_int_equal(decide(JOURNAL_DESTRUN,
						(enum side_state)s,
						(enum side_state)d),
					 VERDICT_FINISH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_state_has_a_row_of_its_own),
		cmocka_unit_test(every_verdict_is_given_to_some_state),
		cmocka_unit_test(values_outside_the_enums_are_held),
		cmocka_unit_test(
			never_starts_the_source_when_the_destination_may_run),
		cmocka_unit_test(
			only_rollback_gives_the_guest_back_after_commit),
		cmocka_unit_test(goes_back_only_to_a_source_that_answers),
		cmocka_unit_test(never_goes_forward_when_the_source_may_run),
		cmocka_unit_test(goes_forward_only_with_a_loaded_destination),
		cmocka_unit_test(
			without_commit_goes_forward_only_with_a_current_copy),
		cmocka_unit_test(
			never_quits_the_source_for_a_guest_not_committed),
		cmocka_unit_test(nothing_is_done_behind_an_unknown_source),
		cmocka_unit_test(nothing_is_done_after_the_end_and_only_then),
		cmocka_unit_test(a_paused_guest_gets_the_same_verdict),
		cmocka_unit_test(holds_only_for_what_can_become_known),
		cmocka_unit_test(before_commit_a_live_source_keeps_the_guest),
		cmocka_unit_test(
			before_commit_the_destination_need_not_be_reachable),
		cmocka_unit_test(
			before_commit_a_running_destination_is_for_a_person),
		cmocka_unit_test(before_commit_an_unknown_source_is_held),
		cmocka_unit_test(before_commit_a_guest_that_ended_is_lost),
		cmocka_unit_test(
			a_source_gone_before_the_switch_takes_the_guest_along),
		cmocka_unit_test(
			a_destination_that_is_not_loaded_does_not_replace),
		cmocka_unit_test(
			a_loaded_destination_replaces_a_source_that_died),
		cmocka_unit_test(a_source_gone_unwatched_may_have_run_on),
		cmocka_unit_test(stale_disks_do_not_replace_the_source),
		cmocka_unit_test(the_only_copy_out_of_reach_is_held),
		cmocka_unit_test(committed_and_running_there_is_finished),
		cmocka_unit_test(committed_and_paused_there_goes_forward),
		cmocka_unit_test(committed_and_still_loading_is_held),
		cmocka_unit_test(committed_and_out_of_reach_is_held),
		cmocka_unit_test(committed_and_gone_there_is_for_a_person),
		cmocka_unit_test(committed_and_gone_on_both_sides_is_lost),
		cmocka_unit_test(
			committed_yet_running_on_the_source_is_for_a_person),
		cmocka_unit_test(
			a_guest_that_somebody_moved_on_is_for_a_person),
		cmocka_unit_test(committed_and_ended_there_is_finished),
		cmocka_unit_test(
			committed_yet_ended_on_the_source_is_for_a_person),
		cmocka_unit_test(a_refused_guest_goes_back),
		cmocka_unit_test(a_refused_guest_out_of_reach_is_held),
		cmocka_unit_test(
			a_refused_guest_that_runs_after_all_is_finished),
		cmocka_unit_test(
			a_refused_guest_without_a_source_is_tried_again),
		cmocka_unit_test(
			seen_running_there_is_finished_whatever_is_seen_now),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
