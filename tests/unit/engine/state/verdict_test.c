/* SPDX-License-Identifier: MIT */
/*
 * verdict: one claim a test. What must hold for every input is checked over
 * every input; then the rows that people rely on, one by one.
 */
#include "engine/state/verdict.h"

#include <string.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

/* --- every input --------------------------------------------------------- */

enum {
	TRIPLES = (JOURNAL_RECORDS + 1) * SIDE_STATES * SIDE_STATES,
	INPUTS = TRIPLES << 3, /* three flags */
};

/* The empty journal (JOURNAL_RECORDS) is an input, too. */
static struct verdict_input input(int n)
{
	int triple = n >> 3;

	return (struct verdict_input){
		.destination = (enum side_state)(triple % SIDE_STATES),
		.source = (enum side_state)(triple / SIDE_STATES % SIDE_STATES),
		.journal = (enum journal_record)(triple / SIDE_STATES /
						 SIDE_STATES),
		.was_running = n & 1,
		.disks_moved = n & 2,
		.source_unwatched = n & 4,
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

/* It has not handed the guest over, or has got it back. */
static bool source_keeps(const struct verdict_input *in)
{
	return in->source == SIDE_RUNS || in->source == SIDE_PAUSED ||
	       in->source == SIDE_MOVING || in->source == SIDE_DEVICE;
}

/* Behind POSTCOPY a source that keeps the guest shows that it was not. */
static bool told_to_run(const struct verdict_input *in)
{
	return in->journal == JOURNAL_COMMIT ||
	       in->journal == JOURNAL_ROLLBACK ||
	       in->journal == JOURNAL_DESTRUN ||
	       (in->journal == JOURNAL_POSTCOPY && !source_keeps(in) &&
		in->source != SIDE_ENDED);
}

/* The destination cannot have got all of the guest yet. */
static bool on_its_way(const struct verdict_input *in)
{
	return !told_to_run(in) &&
	       (in->source == SIDE_MOVING || in->source == SIDE_DEVICE);
}

/* A post-copy of ours that did not come about leaves a part over there. */
static bool has_only_a_part(const struct verdict_input *in)
{
	return in->destination == SIDE_POSTCOPY && source_keeps(in) &&
	       (in->journal == JOURNAL_POSTCOPY ||
		in->journal == JOURNAL_ABORTING);
}

/* It runs, has run, was moved on; or nobody can say after COMMIT. */
static bool destination_may_run(const struct verdict_input *in)
{
	switch (in->destination) {
	case SIDE_RUNS:
	case SIDE_DEVICE:
	case SIDE_POSTMIGRATE:
	case SIDE_POSTCOPY:
		return !on_its_way(in) && !has_only_a_part(in);
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

TEST(every_state_has_a_row_of_its_own)
{
	check_all(is_deliberate);
}

TEST(every_verdict_is_given_to_some_state)
{
	bool given[VERDICTS] = { false };

	for (int n = 0; n < INPUTS; n++) {
		struct verdict_input in = input(n);

		given[verdict_decide(&in).verdict] = true;
	}
	for (int v = 0; v < VERDICTS; v++)
		assert_true(given[v]);
}

TEST(values_outside_the_enums_are_held)
{
	struct verdict_input bad[] = {
		{ .journal = (enum journal_record)(JOURNAL_RECORDS + 1) },
		{ .journal = (enum journal_record) - 1 },
		{ .journal = JOURNAL_DESTRUN, .source = SIDE_STATES },
		{ .journal = JOURNAL_DESTRUN, .destination = SIDE_STATES },
		{ .journal = JOURNAL_DONE, .source = (enum side_state) - 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(verdict_decide(&bad[i]).verdict, VERDICT_HOLD);
}

static bool no_second_runner_at_source(const struct verdict_input *in,
				       struct verdict_output out)
{
	return !starts_source(out) || !destination_may_run(in);
}

TEST(never_starts_the_source_when_the_destination_may_run)
{
	check_all(no_second_runner_at_source);
}

static bool source_only_back_by_rollback(const struct verdict_input *in,
					 struct verdict_output out)
{
	return !told_to_run(in) || !starts_source(out) ||
	       (in->journal == JOURNAL_ROLLBACK &&
		out.verdict == VERDICT_TAKE_BACK);
}

TEST(only_rollback_gives_the_guest_back_after_commit)
{
	check_all(source_only_back_by_rollback);
}

static bool starts_a_source_that_answers(const struct verdict_input *in,
					 struct verdict_output out)
{
	return !starts_source(out) ||
	       (in->source != SIDE_UNKNOWN && in->source != SIDE_GONE &&
		in->source != SIDE_ENDED && in->source != SIDE_POSTCOPY);
}

TEST(goes_back_only_to_a_source_that_answers)
{
	check_all(starts_a_source_that_answers);
}

static bool no_second_runner_at_destination(const struct verdict_input *in,
					    struct verdict_output out)
{
	return out.verdict != VERDICT_FORWARD || in->source == SIDE_GONE ||
	       (in->source == SIDE_POSTMIGRATE && told_to_run(in)) ||
	       (in->source == SIDE_POSTCOPY && in->journal == JOURNAL_POSTCOPY);
}

TEST(never_goes_forward_when_the_source_may_run)
{
	check_all(no_second_runner_at_destination);
}

static bool forward_needs_loaded(const struct verdict_input *in,
				 struct verdict_output out)
{
	return out.verdict != VERDICT_FORWARD || in->destination == SIDE_PAUSED;
}

TEST(goes_forward_only_with_a_loaded_destination)
{
	check_all(forward_needs_loaded);
}

static bool disks_stale(const struct verdict_input *in)
{
	return in->disks_moved && !told_to_run(in) &&
	       in->journal != JOURNAL_DISKS_SYNCED;
}

static bool forward_needs_current_copy(const struct verdict_input *in,
				       struct verdict_output out)
{
	return out.verdict != VERDICT_FORWARD || told_to_run(in) ||
	       ((in->journal == JOURNAL_SWITCH ||
		 in->journal == JOURNAL_DISKS_SYNCED) &&
		!in->source_unwatched && !disks_stale(in));
}

TEST(without_commit_goes_forward_only_with_a_current_copy)
{
	check_all(forward_needs_current_copy);
}

static bool finish_needs_commit(const struct verdict_input *in,
				struct verdict_output out)
{
	return out.verdict != VERDICT_FINISH || told_to_run(in);
}

TEST(never_quits_the_source_for_a_guest_not_committed)
{
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

TEST(nothing_is_done_behind_an_unknown_source)
{
	check_all(unknown_changes_nothing);
}

static bool is_final(const struct verdict_input *in)
{
	return in->journal == JOURNAL_RECORDS ||
	       journal_record_is_final(in->journal);
}

static bool nothing_iff_final(const struct verdict_input *in,
			      struct verdict_output out)
{
	return is_final(in) == (out.verdict == VERDICT_NOTHING);
}

TEST(nothing_is_done_after_the_end_and_only_then)
{
	check_all(nothing_iff_final);
}

static bool same_for_a_paused_guest(const struct verdict_input *in,
				    struct verdict_output out)
{
	struct verdict_input other = *in;

	other.was_running = !in->was_running;
	return verdict_decide(&other).verdict == out.verdict;
}

TEST(a_paused_guest_gets_the_same_verdict)
{
	check_all(same_for_a_paused_guest);
}

/* Someone must act or decide only where asking again cannot help. */
static bool hold_can_end(const struct verdict_input *in,
			 struct verdict_output out)
{
	return out.verdict != VERDICT_HOLD || in->source == SIDE_UNKNOWN ||
	       in->destination == SIDE_UNKNOWN ||
	       in->destination == SIDE_MOVING || in->source == SIDE_DEVICE ||
	       (in->source == SIDE_POSTMIGRATE &&
		in->destination == SIDE_POSTCOPY);
}

TEST(holds_only_for_what_can_become_known)
{
	check_all(hold_can_end);
}

static bool join_needs_both_halves(const struct verdict_input *in,
				   struct verdict_output out)
{
	return out.verdict != VERDICT_JOIN ||
	       (in->journal == JOURNAL_POSTCOPY &&
		in->source == SIDE_POSTCOPY &&
		in->destination == SIDE_POSTCOPY);
}

TEST(joins_only_the_two_halves_of_a_post_copy)
{
	check_all(join_needs_both_halves);
}

static bool memory_is_kept(const struct verdict_input *in,
			   struct verdict_output out)
{
	return in->source != SIDE_POSTCOPY ||
	       in->destination != SIDE_POSTCOPY ||
	       in->journal == JOURNAL_DESTRUN ||
	       (out.verdict != VERDICT_FINISH && out.verdict != VERDICT_LOST &&
		out.verdict != VERDICT_FORWARD);
}

TEST(a_source_whose_memory_is_still_needed_is_not_quit)
{
	check_all(memory_is_kept);
}

/* --- the source alone ---------------------------------------------------- */

static bool is_open(enum verdict v)
{
	return v == VERDICT_HOLD || v == VERDICT_PERSON;
}

static bool ignored_iff_same(const struct verdict_input *in,
			     struct verdict_output out)
{
	struct verdict_input other = *in;
	bool same = !is_open(out.verdict);

	for (int d = 0; d < SIDE_STATES; d++) {
		other.destination = (enum side_state)d;
		same &= verdict_decide(&other).verdict == out.verdict;
	}
	return verdict_ignores_destination(in) == same;
}

TEST(the_destination_is_ignored_iff_it_changes_nothing)
{
	check_all(ignored_iff_same);
}

static bool ignores(enum journal_record j, enum side_state source)
{
	struct verdict_input in = { .journal = j, .source = source };

	return verdict_ignores_destination(&in);
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
	JOURNAL_BEGIN,	 JOURNAL_PREP,	 JOURNAL_DEST,	       JOURNAL_MIRROR,
	JOURNAL_MIGRATE, JOURNAL_SWITCH, JOURNAL_DISKS_SYNCED, JOURNAL_ABORTING,
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
/* Those for which the destination is asked. */
static const enum side_state standing[] = { SIDE_RUNS, SIDE_PAUSED,
					    SIDE_POSTMIGRATE };

TEST(before_commit_a_live_source_keeps_the_guest)
{
	for (size_t i = 0; i < ARRAY_SIZE(alive); i++) {
		expect_before_commit(alive[i], SIDE_GONE, VERDICT_ABORT);
		expect_before_commit(alive[i], SIDE_MOVING, VERDICT_ABORT);
		expect_before_commit(alive[i], SIDE_PAUSED, VERDICT_ABORT);
	}
}

TEST(before_commit_the_destination_need_not_be_reachable)
{
	for (size_t i = 0; i < ARRAY_SIZE(alive); i++)
		expect_before_commit(alive[i], SIDE_UNKNOWN, VERDICT_ABORT);
}

TEST(before_commit_a_running_destination_is_for_a_person)
{
	for (size_t i = 0; i < ARRAY_SIZE(standing); i++)
		expect_before_commit(standing[i], SIDE_RUNS, VERDICT_PERSON);
	expect_before_commit(SIDE_GONE, SIDE_RUNS, VERDICT_PERSON);
}

TEST(before_commit_an_unknown_source_is_held)
{
	for (int d = 0; d < SIDE_STATES; d++)
		expect_before_commit(SIDE_UNKNOWN, (enum side_state)d,
				     VERDICT_HOLD);
}

TEST(before_commit_a_guest_that_ended_is_lost)
{
	expect_before_commit(SIDE_ENDED, SIDE_PAUSED, VERDICT_LOST);
	expect_before_commit(SIDE_ENDED, SIDE_UNKNOWN, VERDICT_LOST);
}

TEST(a_source_gone_before_the_switch_takes_the_guest_along)
{
	for (size_t i = 0; i < ARRAY_SIZE(before_commit); i++) {
		if (before_commit[i] == JOURNAL_SWITCH ||
		    before_commit[i] == JOURNAL_DISKS_SYNCED)
			continue;
		assert_int_equal(decide(before_commit[i], SIDE_GONE,
					SIDE_PAUSED),
				 VERDICT_LOST);
		assert_int_equal(decide(before_commit[i], SIDE_GONE,
					SIDE_UNKNOWN),
				 VERDICT_LOST);
	}
}

TEST(a_destination_that_is_not_loaded_does_not_replace)
{
	assert_int_equal(decide(JOURNAL_SWITCH, SIDE_GONE, SIDE_MOVING),
			 VERDICT_LOST);
	assert_int_equal(decide(JOURNAL_SWITCH, SIDE_GONE, SIDE_GONE),
			 VERDICT_LOST);
}

TEST(a_loaded_destination_replaces_a_source_that_died)
{
	assert_int_equal(decide(JOURNAL_SWITCH, SIDE_GONE, SIDE_PAUSED),
			 VERDICT_FORWARD);
}

TEST(a_source_gone_unwatched_may_have_run_on)
{
	struct verdict_input in = {
		.journal = JOURNAL_SWITCH,
		.source = SIDE_GONE,
		.destination = SIDE_PAUSED,
		.source_unwatched = true,
	};

	assert_int_equal(verdict_decide(&in).verdict, VERDICT_PERSON);
}

TEST(stale_disks_do_not_replace_the_source)
{
	struct verdict_input in = {
		.journal = JOURNAL_SWITCH,
		.source = SIDE_GONE,
		.destination = SIDE_PAUSED,
		.disks_moved = true,
	};

	assert_int_equal(verdict_decide(&in).verdict, VERDICT_LOST);
	in.journal = JOURNAL_DISKS_SYNCED;
	assert_int_equal(verdict_decide(&in).verdict, VERDICT_FORWARD);
}

TEST(disks_that_were_not_synced_are_not_waited_for)
{
	struct verdict_input in = {
		.journal = JOURNAL_SWITCH,
		.source = SIDE_GONE,
		.destination = SIDE_UNKNOWN,
		.disks_moved = true,
	};

	assert_int_equal(verdict_decide(&in).verdict, VERDICT_LOST);
	in.journal = JOURNAL_DISKS_SYNCED;
	assert_int_equal(verdict_decide(&in).verdict, VERDICT_HOLD);
}

TEST(the_only_copy_out_of_reach_is_held)
{
	assert_int_equal(decide(JOURNAL_SWITCH, SIDE_GONE, SIDE_UNKNOWN),
			 VERDICT_HOLD);
	assert_int_equal(decide(JOURNAL_DISKS_SYNCED, SIDE_GONE, SIDE_UNKNOWN),
			 VERDICT_HOLD);
}

TEST(committed_and_running_there_is_finished)
{
	assert_int_equal(decide(JOURNAL_COMMIT, SIDE_POSTMIGRATE, SIDE_RUNS),
			 VERDICT_FINISH);
	assert_int_equal(decide(JOURNAL_COMMIT, SIDE_GONE, SIDE_RUNS),
			 VERDICT_FINISH);
	assert_int_equal(decide(JOURNAL_COMMIT, SIDE_UNKNOWN, SIDE_RUNS),
			 VERDICT_FINISH);
}

TEST(committed_and_paused_there_goes_forward)
{
	assert_int_equal(decide(JOURNAL_COMMIT, SIDE_POSTMIGRATE, SIDE_PAUSED),
			 VERDICT_FORWARD);
	assert_int_equal(decide(JOURNAL_COMMIT, SIDE_GONE, SIDE_PAUSED),
			 VERDICT_FORWARD);
}

TEST(committed_and_still_loading_is_held)
{
	assert_int_equal(decide(JOURNAL_COMMIT, SIDE_POSTMIGRATE, SIDE_MOVING),
			 VERDICT_HOLD);
	assert_int_equal(decide(JOURNAL_COMMIT, SIDE_GONE, SIDE_MOVING),
			 VERDICT_HOLD);
	assert_int_equal(decide(JOURNAL_COMMIT, SIDE_UNKNOWN, SIDE_MOVING),
			 VERDICT_HOLD);
}

TEST(committed_and_out_of_reach_is_held)
{
	assert_int_equal(decide(JOURNAL_COMMIT, SIDE_POSTMIGRATE, SIDE_UNKNOWN),
			 VERDICT_HOLD);
	assert_int_equal(decide(JOURNAL_COMMIT, SIDE_GONE, SIDE_UNKNOWN),
			 VERDICT_HOLD);
}

TEST(committed_and_gone_there_is_for_a_person)
{
	assert_int_equal(decide(JOURNAL_COMMIT, SIDE_POSTMIGRATE, SIDE_GONE),
			 VERDICT_PERSON);
}

TEST(committed_and_gone_on_both_sides_is_lost)
{
	assert_int_equal(decide(JOURNAL_COMMIT, SIDE_GONE, SIDE_GONE),
			 VERDICT_LOST);
}

TEST(committed_yet_running_on_the_source_is_for_a_person)
{
	for (int d = 0; d < SIDE_STATES; d++)
		assert_int_equal(decide(JOURNAL_COMMIT, SIDE_RUNS,
					(enum side_state)d),
				 VERDICT_PERSON);
}

TEST(a_guest_that_somebody_moved_on_is_for_a_person)
{
	for (size_t i = 0; i < ARRAY_SIZE(standing); i++) {
		expect_before_commit(standing[i], SIDE_DEVICE, VERDICT_PERSON);
		expect_before_commit(standing[i], SIDE_POSTMIGRATE,
				     VERDICT_PERSON);
	}
	assert_int_equal(decide(JOURNAL_COMMIT, SIDE_POSTMIGRATE,
				SIDE_POSTMIGRATE),
			 VERDICT_PERSON);
}

TEST(committed_and_ended_there_is_finished)
{
	assert_int_equal(decide(JOURNAL_COMMIT, SIDE_POSTMIGRATE, SIDE_ENDED),
			 VERDICT_FINISH);
	assert_int_equal(decide(JOURNAL_ROLLBACK, SIDE_GONE, SIDE_ENDED),
			 VERDICT_FINISH);
}

TEST(committed_yet_ended_on_the_source_is_for_a_person)
{
	assert_int_equal(decide(JOURNAL_COMMIT, SIDE_ENDED, SIDE_PAUSED),
			 VERDICT_PERSON);
	assert_int_equal(decide(JOURNAL_ROLLBACK, SIDE_ENDED, SIDE_GONE),
			 VERDICT_PERSON);
}

TEST(a_refused_guest_goes_back)
{
	assert_int_equal(decide(JOURNAL_ROLLBACK, SIDE_POSTMIGRATE,
				SIDE_PAUSED),
			 VERDICT_TAKE_BACK);
	assert_int_equal(decide(JOURNAL_ROLLBACK, SIDE_POSTMIGRATE, SIDE_GONE),
			 VERDICT_TAKE_BACK);
}

TEST(a_refused_guest_out_of_reach_is_held)
{
	assert_int_equal(decide(JOURNAL_ROLLBACK, SIDE_POSTMIGRATE,
				SIDE_UNKNOWN),
			 VERDICT_HOLD);
}

TEST(a_refused_guest_that_runs_after_all_is_finished)
{
	assert_int_equal(decide(JOURNAL_ROLLBACK, SIDE_POSTMIGRATE, SIDE_RUNS),
			 VERDICT_FINISH);
}

TEST(a_refused_guest_without_a_source_is_tried_again)
{
	assert_int_equal(decide(JOURNAL_ROLLBACK, SIDE_GONE, SIDE_PAUSED),
			 VERDICT_FORWARD);
}

TEST(seen_running_there_is_finished_whatever_is_seen_now)
{
	for (int s = 0; s < SIDE_STATES; s++)
		for (int d = 0; d < SIDE_STATES; d++)
			assert_int_equal(decide(JOURNAL_DESTRUN,
						(enum side_state)s,
						(enum side_state)d),
					 VERDICT_FINISH);
}

/* --- a guest that may be standing still ---------------------------------- */

TEST(before_commit_a_source_on_its_way_keeps_the_guest)
{
	for (int d = 0; d < SIDE_STATES; d++) {
		expect_before_commit(SIDE_MOVING, (enum side_state)d,
				     VERDICT_ABORT);
		expect_before_commit(SIDE_DEVICE, (enum side_state)d,
				     VERDICT_ABORT);
	}
}

TEST(before_commit_a_source_on_its_way_is_rescued_alone)
{
	for (size_t i = 0; i < ARRAY_SIZE(before_commit); i++) {
		assert_true(ignores(before_commit[i], SIDE_MOVING));
		assert_true(ignores(before_commit[i], SIDE_DEVICE));
	}
}

TEST(a_source_that_waits_for_post_copy_is_rescued_alone)
{
	assert_int_equal(decide(JOURNAL_POSTCOPY, SIDE_MOVING, SIDE_UNKNOWN),
			 VERDICT_ABORT);
	assert_true(ignores(JOURNAL_POSTCOPY, SIDE_MOVING));
	assert_false(ignores(JOURNAL_POSTCOPY, SIDE_DEVICE));
}

TEST(a_destination_continued_by_hand_is_looked_for)
{
	for (size_t i = 0; i < ARRAY_SIZE(before_commit); i++)
		for (size_t k = 0; k < ARRAY_SIZE(standing); k++)
			assert_false(ignores(before_commit[i], standing[k]));
}

TEST(after_commit_the_destination_is_always_asked)
{
	for (int s = 0; s < SIDE_STATES; s++) {
		assert_false(ignores(JOURNAL_COMMIT, (enum side_state)s));
		assert_false(ignores(JOURNAL_ROLLBACK, (enum side_state)s));
	}
}

/* --- post-copy ----------------------------------------------------------- */

static void expect_postcopy(enum side_state source, enum side_state destination,
			    enum verdict expected)
{
	assert_int_equal(decide(JOURNAL_POSTCOPY, source, destination),
			 expected);
}

TEST(a_post_copy_that_did_not_begin_is_undone)
{
	static const enum side_state part[] = { SIDE_MOVING, SIDE_GONE,
						SIDE_POSTCOPY, SIDE_PAUSED };

	for (size_t i = 0; i < ARRAY_SIZE(part); i++) {
		expect_postcopy(SIDE_RUNS, part[i], VERDICT_ABORT);
		expect_postcopy(SIDE_PAUSED, part[i], VERDICT_ABORT);
	}
}

TEST(its_undo_is_finished_after_a_crash)
{
	assert_int_equal(decide(JOURNAL_ABORTING, SIDE_RUNS, SIDE_POSTCOPY),
			 VERDICT_ABORT);
	assert_int_equal(decide(JOURNAL_ABORTING, SIDE_GONE, SIDE_POSTCOPY),
			 VERDICT_LOST);
}

TEST(a_source_on_its_way_into_post_copy_is_held)
{
	for (int d = 0; d < SIDE_STATES; d++)
		expect_postcopy(SIDE_DEVICE, (enum side_state)d, VERDICT_HOLD);
}

TEST(after_post_copy_the_source_never_goes_on)
{
	static const enum side_state over[] = { SIDE_POSTCOPY, SIDE_POSTMIGRATE,
						SIDE_GONE, SIDE_UNKNOWN };

	for (size_t i = 0; i < ARRAY_SIZE(over); i++) {
		for (int d = 0; d < SIDE_STATES; d++) {
			enum verdict v = decide(JOURNAL_POSTCOPY, over[i],
						(enum side_state)d);

			assert_int_not_equal(v, VERDICT_ABORT);
			assert_int_not_equal(v, VERDICT_TAKE_BACK);
		}
	}
}

TEST(after_post_copy_a_dead_destination_loses_the_guest)
{
	expect_postcopy(SIDE_POSTCOPY, SIDE_GONE, VERDICT_LOST);
	expect_postcopy(SIDE_GONE, SIDE_GONE, VERDICT_LOST);
}

TEST(a_whole_source_copy_is_not_thrown_away_unasked)
{
	expect_postcopy(SIDE_POSTMIGRATE, SIDE_GONE, VERDICT_PERSON);
}

TEST(a_source_that_dies_in_post_copy_loses_the_guest)
{
	expect_postcopy(SIDE_GONE, SIDE_POSTCOPY, VERDICT_LOST);
	expect_postcopy(SIDE_GONE, SIDE_MOVING, VERDICT_LOST);
}

TEST(a_broken_post_copy_is_joined_again)
{
	expect_postcopy(SIDE_POSTCOPY, SIDE_POSTCOPY, VERDICT_JOIN);
}

TEST(a_post_copy_out_of_reach_is_held)
{
	expect_postcopy(SIDE_POSTCOPY, SIDE_UNKNOWN, VERDICT_HOLD);
	expect_postcopy(SIDE_POSTMIGRATE, SIDE_UNKNOWN, VERDICT_HOLD);
	expect_postcopy(SIDE_GONE, SIDE_UNKNOWN, VERDICT_HOLD);
	expect_postcopy(SIDE_RUNS, SIDE_UNKNOWN, VERDICT_HOLD);
	expect_postcopy(SIDE_UNKNOWN, SIDE_POSTCOPY, VERDICT_HOLD);
	expect_postcopy(SIDE_UNKNOWN, SIDE_GONE, VERDICT_HOLD);
}

TEST(a_post_copy_about_to_be_complete_is_held)
{
	expect_postcopy(SIDE_POSTMIGRATE, SIDE_POSTCOPY, VERDICT_HOLD);
	expect_postcopy(SIDE_POSTCOPY, SIDE_MOVING, VERDICT_HOLD);
}

TEST(a_complete_post_copy_is_finished)
{
	expect_postcopy(SIDE_POSTMIGRATE, SIDE_RUNS, VERDICT_FINISH);
	/* the last word of the destination was lost with the stream */
	expect_postcopy(SIDE_POSTCOPY, SIDE_RUNS, VERDICT_FINISH);
	expect_postcopy(SIDE_GONE, SIDE_RUNS, VERDICT_FINISH);
	expect_postcopy(SIDE_GONE, SIDE_ENDED, VERDICT_FINISH);
}

TEST(a_complete_post_copy_that_waits_goes_forward)
{
	expect_postcopy(SIDE_POSTMIGRATE, SIDE_PAUSED, VERDICT_FORWARD);
	expect_postcopy(SIDE_POSTCOPY, SIDE_PAUSED, VERDICT_FORWARD);
	expect_postcopy(SIDE_GONE, SIDE_PAUSED, VERDICT_FORWARD);
}

TEST(a_guest_on_both_sides_of_post_copy_is_for_a_person)
{
	expect_postcopy(SIDE_RUNS, SIDE_RUNS, VERDICT_PERSON);
	expect_postcopy(SIDE_RUNS, SIDE_ENDED, VERDICT_PERSON);
	expect_postcopy(SIDE_RUNS, SIDE_POSTMIGRATE, VERDICT_PERSON);
}

TEST(post_copy_that_nobody_asked_for_is_for_a_person)
{
	expect_before_commit(SIDE_POSTCOPY, SIDE_POSTCOPY, VERDICT_PERSON);
	assert_int_equal(decide(JOURNAL_COMMIT, SIDE_POSTCOPY, SIDE_PAUSED),
			 VERDICT_PERSON);
	assert_int_equal(decide(JOURNAL_SWITCH, SIDE_RUNS, SIDE_POSTCOPY),
			 VERDICT_PERSON);
}

/* --- a person's choice: every input -------------------------------------- */

static const enum verdict_choice both[] = { CHOICE_CONTINUE, CHOICE_DISCARD };

/* Where the choice makes a difference; @ok sees what it does there. */
static void check_granted(bool (*ok)(const struct verdict_input *in,
				     enum verdict_choice choice,
				     struct verdict_output out))
{
	int bad = 0, granted = 0;

	for (int n = 0; n < INPUTS * (int)ARRAY_SIZE(both); n++) {
		struct verdict_input in = input(n / (int)ARRAY_SIZE(both));
		enum verdict_choice c = both[n % (int)ARRAY_SIZE(both)];
		struct verdict_output out = verdict_force(&in, c);

		if (!is_open(verdict_decide(&in).verdict) ||
		    out.verdict == VERDICT_HOLD)
			continue;
		granted++;
		if (ok(&in, c, out))
			continue;
		show(&in, out);
		bad++;
	}
	assert_int_equal(bad, 0);
	assert_true(granted > 0);
}

static bool forced_as_decided(const struct verdict_input *in,
			      struct verdict_output out)
{
	struct verdict_output c = verdict_force(in, CHOICE_CONTINUE);
	struct verdict_output d = verdict_force(in, CHOICE_DISCARD);

	return is_open(out.verdict) ||
	       (c.verdict == out.verdict && c.why == out.why &&
		d.verdict == out.verdict && d.why == out.why);
}

TEST(a_choice_changes_only_what_is_open)
{
	check_all(forced_as_decided);
}

static bool none_as_decided(const struct verdict_input *in,
			    struct verdict_output out)
{
	struct verdict_output none = verdict_force(in, CHOICE_NONE);
	struct verdict_output wild = verdict_force(in, CHOICES);

	return none.verdict == out.verdict && none.why == out.why &&
	       wild.verdict == out.verdict;
}

TEST(without_a_choice_nothing_is_forced)
{
	check_all(none_as_decided);
}

static bool refusal_is_told(const struct verdict_input *in,
			    struct verdict_output out)
{
	static const char word[] = "refused: ";

	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		struct verdict_output f = verdict_force(in, both[i]);

		if (is_open(out.verdict) && f.verdict == VERDICT_HOLD &&
		    (strncmp(f.why, word, sizeof(word) - 1) != 0 ||
		     strstr(f.why, "no rule")))
			return false;
	}
	return true;
}

TEST(every_refusal_says_why)
{
	check_all(refusal_is_told);
}

static bool on_the_chosen_side(const struct verdict_input *in,
			       enum verdict_choice choice,
			       struct verdict_output out)
{
	(void)in;
	if (choice == CHOICE_CONTINUE)
		return starts_source(out);
	return out.verdict == VERDICT_FORWARD || out.verdict == VERDICT_FINISH;
}

TEST(a_choice_is_granted_for_the_chosen_side_only)
{
	check_granted(on_the_chosen_side);
}

/* The destination is gone, or answers that it does not run. */
static bool continue_is_safe(const struct verdict_input *in,
			     enum verdict_choice choice,
			     struct verdict_output out)
{
	if (choice != CHOICE_CONTINUE)
		return true;
	if (out.verdict == VERDICT_ABORT)
		return in->destination == SIDE_GONE;
	return in->destination == SIDE_GONE || in->destination == SIDE_PAUSED ||
	       in->destination == SIDE_MOVING || in->destination == SIDE_ENDED;
}

TEST(never_continues_beside_a_destination_that_may_run)
{
	check_granted(continue_is_safe);
}

static bool continued_source_has_memory(const struct verdict_input *in,
					enum verdict_choice choice,
					struct verdict_output out)
{
	(void)out;
	return choice != CHOICE_CONTINUE || in->source == SIDE_RUNS ||
	       in->source == SIDE_PAUSED || in->source == SIDE_ENDED ||
	       in->source == SIDE_POSTMIGRATE;
}

TEST(never_continues_a_source_that_cannot_go_on)
{
	check_granted(continued_source_has_memory);
}

static bool discard_is_safe(const struct verdict_input *in,
			    enum verdict_choice choice,
			    struct verdict_output out)
{
	(void)out;
	return choice != CHOICE_DISCARD || in->source == SIDE_GONE ||
	       in->source == SIDE_POSTMIGRATE;
}

TEST(never_discards_a_source_that_may_run)
{
	check_granted(discard_is_safe);
}

static bool discarded_for_a_whole(const struct verdict_input *in,
				  enum verdict_choice choice,
				  struct verdict_output out)
{
	return choice != CHOICE_DISCARD ||
	       (in->destination == (out.verdict == VERDICT_FORWARD
					    ? SIDE_PAUSED
					    : SIDE_RUNS) &&
		!disks_stale(in));
}

TEST(discards_only_for_a_destination_that_is_complete)
{
	check_granted(discarded_for_a_whole);
}

static bool not_after_post_copy(const struct verdict_input *in,
				enum verdict_choice choice,
				struct verdict_output out)
{
	(void)out;
	return choice != CHOICE_CONTINUE || in->journal != JOURNAL_POSTCOPY;
}

TEST(never_continues_after_post_copy)
{
	check_granted(not_after_post_copy);
}

TEST(choices_for_values_outside_the_enums_are_held)
{
	struct verdict_input bad = { .journal = JOURNAL_COMMIT,
				     .source = SIDE_STATES };

	for (size_t i = 0; i < ARRAY_SIZE(both); i++)
		assert_int_equal(verdict_force(&bad, both[i]).verdict,
				 VERDICT_HOLD);
}

/* --- a person's choice: the rows ----------------------------------------- */

static void expect_force(enum verdict_choice choice, enum journal_record j,
			 enum side_state source, enum side_state destination,
			 enum verdict expected)
{
	struct verdict_input in = {
		.journal = j,
		.source = source,
		.destination = destination,
		.was_running = true,
		.source_unwatched = true,
	};

	assert_int_equal(verdict_force(&in, choice).verdict, expected);
}

TEST(continues_when_the_destination_is_gone)
{
	expect_force(CHOICE_CONTINUE, JOURNAL_COMMIT, SIDE_POSTMIGRATE,
		     SIDE_GONE, VERDICT_TAKE_BACK);
}

TEST(continues_when_the_destination_does_not_run)
{
	expect_force(CHOICE_CONTINUE, JOURNAL_COMMIT, SIDE_POSTMIGRATE,
		     SIDE_MOVING, VERDICT_TAKE_BACK);
	expect_force(CHOICE_CONTINUE, JOURNAL_ROLLBACK, SIDE_POSTMIGRATE,
		     SIDE_MOVING, VERDICT_TAKE_BACK);
}

TEST(continuing_is_refused_when_nobody_can_ask_there)
{
	for (int s = 0; s < SIDE_STATES; s++)
		expect_force(CHOICE_CONTINUE, JOURNAL_COMMIT,
			     (enum side_state)s, SIDE_UNKNOWN, VERDICT_HOLD);
}

TEST(a_source_continued_by_hand_closes_the_books)
{
	expect_force(CHOICE_CONTINUE, JOURNAL_COMMIT, SIDE_RUNS, SIDE_GONE,
		     VERDICT_ABORT);
	expect_force(CHOICE_CONTINUE, JOURNAL_COMMIT, SIDE_ENDED, SIDE_GONE,
		     VERDICT_ABORT);
	expect_force(CHOICE_CONTINUE, JOURNAL_COMMIT, SIDE_RUNS, SIDE_PAUSED,
		     VERDICT_TAKE_BACK);
	expect_force(CHOICE_CONTINUE, JOURNAL_COMMIT, SIDE_RUNS, SIDE_RUNS,
		     VERDICT_HOLD);
}

TEST(a_source_that_somebody_migrates_again_is_left_alone)
{
	expect_force(CHOICE_CONTINUE, JOURNAL_COMMIT, SIDE_MOVING, SIDE_GONE,
		     VERDICT_HOLD);
	expect_force(CHOICE_CONTINUE, JOURNAL_COMMIT, SIDE_DEVICE, SIDE_GONE,
		     VERDICT_HOLD);
}

TEST(a_copy_that_may_be_old_is_started_when_chosen)
{
	expect_force(CHOICE_DISCARD, JOURNAL_SWITCH, SIDE_GONE, SIDE_PAUSED,
		     VERDICT_FORWARD);
	expect_force(CHOICE_DISCARD, JOURNAL_DISKS_SYNCED, SIDE_GONE,
		     SIDE_PAUSED, VERDICT_FORWARD);
	expect_force(CHOICE_DISCARD, JOURNAL_POSTCOPY, SIDE_GONE, SIDE_PAUSED,
		     VERDICT_FORWARD);
}

TEST(a_destination_continued_by_hand_closes_the_books)
{
	expect_force(CHOICE_DISCARD, JOURNAL_SWITCH, SIDE_POSTMIGRATE,
		     SIDE_RUNS, VERDICT_FINISH);
	expect_force(CHOICE_DISCARD, JOURNAL_SWITCH, SIDE_RUNS, SIDE_RUNS,
		     VERDICT_HOLD);
	expect_force(CHOICE_DISCARD, JOURNAL_MIGRATE, SIDE_POSTMIGRATE,
		     SIDE_RUNS, VERDICT_HOLD);
}

TEST(stale_disks_are_not_chosen)
{
	struct verdict_input in = {
		.journal = JOURNAL_SWITCH,
		.source = SIDE_POSTMIGRATE,
		.destination = SIDE_RUNS,
		.disks_moved = true,
	};

	assert_int_equal(verdict_force(&in, CHOICE_DISCARD).verdict,
			 VERDICT_HOLD);
	in.journal = JOURNAL_DISKS_SYNCED;
	assert_int_equal(verdict_force(&in, CHOICE_DISCARD).verdict,
			 VERDICT_FINISH);
}

TEST(nothing_is_discarded_for_a_destination_that_is_gone)
{
	expect_force(CHOICE_DISCARD, JOURNAL_COMMIT, SIDE_POSTMIGRATE,
		     SIDE_GONE, VERDICT_HOLD);
	expect_force(CHOICE_DISCARD, JOURNAL_COMMIT, SIDE_POSTMIGRATE,
		     SIDE_UNKNOWN, VERDICT_HOLD);
	expect_force(CHOICE_DISCARD, JOURNAL_COMMIT, SIDE_POSTMIGRATE,
		     SIDE_MOVING, VERDICT_HOLD);
}

TEST(a_choice_does_not_end_an_open_post_copy)
{
	expect_force(CHOICE_CONTINUE, JOURNAL_POSTCOPY, SIDE_POSTMIGRATE,
		     SIDE_GONE, VERDICT_HOLD);
	expect_force(CHOICE_CONTINUE, JOURNAL_POSTCOPY, SIDE_RUNS, SIDE_UNKNOWN,
		     VERDICT_HOLD);
	expect_force(CHOICE_DISCARD, JOURNAL_POSTCOPY, SIDE_POSTCOPY,
		     SIDE_UNKNOWN, VERDICT_HOLD);
}
