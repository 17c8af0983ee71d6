/* SPDX-License-Identifier: MIT */
/*
 * verdict: one claim a test. What must hold for every input is checked over
 * every input. Then a table has the verdict of each input, with the destination
 * across, and tables of the same form say where a person's choice is granted.
 */
#include "engine/state/verdict.h"

#include <string.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

/* --- every input --------------------------------------------------------- */

enum {
	/* notes come behind all others, and are no input */
	TRIPLES = (JOURNAL_WISH + 1) * SIDE_STATES * SIDE_STATES,
	FLAGS = 4,
	INPUTS = TRIPLES << FLAGS,
};

/* The empty journal (JOURNAL_RECORDS) is an input, too. */
static struct verdict_input input(int n)
{
	int triple = n >> FLAGS;
	int record = triple / SIDE_STATES / SIDE_STATES;

	return (struct verdict_input){
		.destination = (enum side_state)(triple % SIDE_STATES),
		.source = (enum side_state)(triple / SIDE_STATES % SIDE_STATES),
		.journal = record == JOURNAL_WISH ? JOURNAL_RECORDS
						  : (enum journal_record)record,
		.disks_moved = n & 1,
		.source_unwatched = n & 2,
		.source_ran = n & 4,
		.destination_ran = n & 8,
	};
}

static void show(const struct verdict_input *in, struct verdict_output out)
{
	print_error("%s source=%s%s destination=%s%s: %s, %s\n",
		    in->journal < JOURNAL_RECORDS
			    ? journal_record_name(in->journal)
			    : "(empty)",
		    side_state_name(in->source), in->source_ran ? " (ran)" : "",
		    side_state_name(in->destination),
		    in->destination_ran ? " (ran)" : "",
		    verdict_name(out.verdict), out.why);
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
static bool may_have_run(const struct verdict_input *in)
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
	return !may_have_run(in) &&
	       (in->source == SIDE_MOVING || in->source == SIDE_DEVICE);
}

/* A post-copy of ours that failed leaves a part on the destination. */
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
		return may_have_run(in);
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

TEST(notes_are_no_states)
{
	struct verdict_input in = { .journal = JOURNAL_SEEN };

	assert_string_equal(verdict_decide(&in).why, catch_all());
	in.journal = JOURNAL_WISH;
	assert_string_equal(verdict_decide(&in).why, catch_all());
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
	return !may_have_run(in) || !starts_source(out) ||
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
	       (in->source == SIDE_POSTMIGRATE && may_have_run(in)) ||
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
	return in->disks_moved && !may_have_run(in) &&
	       in->journal != JOURNAL_DISKS_SYNCED;
}

static bool forward_needs_current_copy(const struct verdict_input *in,
				       struct verdict_output out)
{
	return out.verdict != VERDICT_FORWARD || may_have_run(in) ||
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
	return out.verdict != VERDICT_FINISH || may_have_run(in);
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

static const enum journal_record before_commit[] = {
	JOURNAL_BEGIN,	 JOURNAL_PREP,	 JOURNAL_DEST,	       JOURNAL_MIRROR,
	JOURNAL_MIGRATE, JOURNAL_SWITCH, JOURNAL_DISKS_SYNCED, JOURNAL_ABORTING,
};

TEST(before_commit_a_source_on_its_way_is_rescued_alone)
{
	for (size_t i = 0; i < ARRAY_SIZE(before_commit); i++) {
		assert_true(ignores(before_commit[i], SIDE_MOVING));
		assert_true(ignores(before_commit[i], SIDE_DEVICE));
	}
}

TEST(a_source_that_waits_for_post_copy_is_rescued_alone)
{
	assert_true(ignores(JOURNAL_POSTCOPY, SIDE_MOVING));
	assert_false(ignores(JOURNAL_POSTCOPY, SIDE_DEVICE));
}

TEST(a_destination_continued_by_hand_is_looked_for)
{
	static const enum side_state settled[] = { SIDE_RUNS, SIDE_PAUSED,
						   SIDE_POSTMIGRATE };

	for (size_t i = 0; i < ARRAY_SIZE(before_commit); i++)
		for (size_t k = 0; k < ARRAY_SIZE(settled); k++)
			assert_false(ignores(before_commit[i], settled[k]));
}

TEST(after_commit_the_destination_is_always_asked)
{
	for (int s = 0; s < SIDE_STATES; s++) {
		assert_false(ignores(JOURNAL_COMMIT, (enum side_state)s));
		assert_false(ignores(JOURNAL_ROLLBACK, (enum side_state)s));
	}
}

/* --- the table ------------------------------------------------------------ */

#define J(word) (1u << JOURNAL_##word)
#define S(word) (1u << SIDE_##word)

enum {
	ANY = ~0,
	EMPTY = J(RECORDS), /* a journal without a whole record */
	EARLY = J(BEGIN) | J(PREP) | J(DEST) | J(MIRROR) | J(MIGRATE),
	FILLED = J(SWITCH) | J(DISKS_SYNCED),
	COMMITTED = J(COMMIT) | J(ROLLBACK),
	KEEPS = S(RUNS) | S(PAUSED) | S(MOVING) | S(DEVICE),
};

/* Of the flags, for records and sources where they count. */
enum when {
	ALWAYS,
	STALE,	/* disks moved and not synced */
	FRESH,	/* not STALE */
	SEEN,	/* FRESH, and the source was watched until it ended */
	BLIND,	/* FRESH, and it was not */
	STAYED, /* the source was not seen to run on after COMMIT */
};

/*
 * The first four letters of the verdict for each destination, in the order of
 * enum side_state. A dash is HOLD where a choice is refused.
 */
struct row {
	unsigned journal, source; /* sets */
	enum when when;
	const char *verdicts;
};

/* clang-format off */
static const struct row rows[] = {
/* destination:  unkn gone runs paus movi devi post ende post-copy */

/* the end was reached, or nothing was begun */
{ EMPTY | J(ABORTED) | J(DONE), ANY, ALWAYS,
		"noth noth noth noth noth noth noth noth noth" },
/* the guest was seen running on the destination: the source must not */
{ J(DESTRUN), ANY, ALWAYS,
		"fini fini fini fini fini fini fini fini fini" },

/* without COMMIT a source that may run decides alone */
{ EARLY | FILLED | J(ABORTING), S(UNKNOWN), ALWAYS,
		"hold hold hold hold hold hold hold hold hold" },
{ EARLY | FILLED | J(ABORTING), S(MOVING) | S(DEVICE), ALWAYS,
		"abor abor abor abor abor abor abor abor abor" },
/* post-copy that nobody asked for */
{ EARLY | FILLED | J(ABORTING), S(POSTCOPY), ALWAYS,
		"pers pers pers pers pers pers pers pers pers" },
/* a live source keeps the guest, a destination run by hand is for a person */
{ EARLY | FILLED, S(RUNS) | S(PAUSED) | S(POSTMIGRATE), ALWAYS,
		"abor abor pers abor abor pers pers abor pers" },
{ J(ABORTING), S(RUNS) | S(PAUSED), ALWAYS,
		"abor abor pers abor abor pers pers abor abor" },
{ J(ABORTING), S(POSTMIGRATE), ALWAYS,
		"abor abor pers abor abor pers pers abor pers" },
/* the guest ended, or its host took it along */
{ EARLY | FILLED, S(ENDED), ALWAYS,
		"lost lost pers lost lost pers pers lost pers" },
{ J(ABORTING), S(ENDED) | S(GONE), ALWAYS,
		"lost lost pers lost lost pers pers lost lost" },
{ EARLY, S(GONE), ALWAYS,
		"lost lost pers lost lost pers pers lost pers" },
/* only a destination that may hold all of the guest replaces the source */
{ J(SWITCH), S(GONE), STALE,
		"lost lost pers lost lost pers pers lost pers" },
{ FILLED, S(GONE), SEEN,
		"hold lost pers forw lost pers pers lost pers" },
{ FILLED, S(GONE), BLIND,
		"hold lost pers pers lost pers pers lost pers" },

/* with COMMIT the destination decides; no source is continued unasked */
{ COMMITTED, KEEPS | S(POSTCOPY), ALWAYS,
		"pers pers pers pers pers pers pers pers pers" },
{ COMMITTED, S(ENDED), ALWAYS,
		"pers pers fini pers pers pers pers fini pers" },
{ COMMITTED, S(UNKNOWN), ALWAYS,
		"hold hold fini hold hold pers pers fini pers" },
{ COMMITTED, S(GONE), ALWAYS,
		"hold lost fini forw hold pers pers fini pers" },
{ J(COMMIT), S(POSTMIGRATE), ALWAYS,
		"hold pers fini forw hold pers pers fini pers" },
/* but when the destination refused to run the guest */
{ J(ROLLBACK), S(POSTMIGRATE), ALWAYS,
		"hold take fini take hold pers pers fini pers" },

/* post-copy: first what did not begin, or fell back */
{ J(POSTCOPY), S(MOVING), ALWAYS,
		"abor abor abor abor abor abor abor abor abor" },
{ J(POSTCOPY), S(DEVICE), ALWAYS,
		"hold hold hold hold hold hold hold hold hold" },
{ J(POSTCOPY), S(RUNS) | S(PAUSED), ALWAYS,
		"hold abor pers abor abor pers pers pers abor" },
{ J(POSTCOPY), S(ENDED), ALWAYS,
		"hold lost pers lost lost pers pers pers lost" },
/* then the source never goes on */
{ J(POSTCOPY), S(UNKNOWN), ALWAYS,
		"hold hold fini hold hold pers pers fini hold" },
{ J(POSTCOPY), S(POSTMIGRATE), ALWAYS,
		"hold pers fini forw hold pers pers fini hold" },
{ J(POSTCOPY), S(POSTCOPY), ALWAYS,
		"hold lost fini forw hold pers pers fini join" },
{ J(POSTCOPY), S(GONE), SEEN,
		"hold lost fini forw lost pers pers fini lost" },
{ J(POSTCOPY), S(GONE), BLIND,
		"hold lost fini pers lost pers pers fini lost" },
};

/*
 * What was seen to run where it should not makes of these a person's case, for
 * ever; of all others it changes nothing.
 */
static bool asks_a_person(const struct verdict_input *in)
{
	unsigned int j = 1u << in->journal, s = 1u << in->source;
	unsigned int d = 1u << in->destination;

	if (j & COMMITTED && in->source_ran)
		return !(s & S(GONE) && d & (S(GONE) | S(ENDED)));
	if (j & J(ROLLBACK))
		return in->destination_ran && s & S(POSTMIGRATE) &&
		       d & (S(PAUSED) | S(GONE));
	if (!(j & (EARLY | FILLED | J(ABORTING))) || !in->destination_ran)
		return false;
	/* a source that has not handed over can have no rival yet */
	return !(s & (S(UNKNOWN) | S(MOVING) | S(DEVICE))) &&
	       !(j & J(ABORTING) && d & S(GONE));
}

/* Where a person's choice is granted; where no row is, it is refused. */
static const struct row continue_rows[] = {
/* destination:  unkn gone runs paus movi devi post ende post-copy */
{ COMMITTED, S(RUNS) | S(PAUSED), ALWAYS,
		"-    abor -    take take -    -    take -   " },
{ COMMITTED, S(ENDED), ALWAYS,
		"-    abor -    take take -    -    -    -   " },
{ COMMITTED, S(POSTMIGRATE), ALWAYS,
		"-    take -    -    take -    -    -    -   " },
};

static const struct row discard_rows[] = {
/* destination:  unkn gone runs paus movi devi post ende post-copy */
{ FILLED, S(GONE), SEEN,
		"-    -    fini -    -    -    -    -    -   " },
{ FILLED, S(GONE), BLIND,
		"-    -    fini forw -    -    -    -    -   " },
{ J(ABORTING), S(GONE), FRESH,
		"-    -    fini -    -    -    -    -    -   " },
{ FILLED | J(ABORTING), S(POSTMIGRATE), FRESH,
		"-    -    fini -    -    -    -    -    -   " },
{ J(POSTCOPY), S(GONE), BLIND,
		"-    -    -    forw -    -    -    -    -   " },
};
/* The same where something was seen to run where it should not. */
static const struct row continue_ran_rows[] = {
/* destination:  unkn gone runs paus movi devi post ende post-copy */
{ EARLY | FILLED | J(ABORTING) | COMMITTED, S(RUNS) | S(PAUSED) | S(ENDED),
  ALWAYS,	"-    abor -    take take -    -    take -   " },
{ EARLY | FILLED | J(ABORTING), S(POSTMIGRATE), ALWAYS,
		"-    abor -    take take -    -    take -   " },
{ COMMITTED, S(POSTMIGRATE), ALWAYS,
		"-    take -    take take -    -    take -   " },
};

static const struct row discard_ran_rows[] = {
/* destination:  unkn gone runs paus movi devi post ende post-copy */
{ FILLED, S(GONE) | S(POSTMIGRATE), FRESH,
		"-    -    fini forw -    -    -    -    -   " },
{ J(ABORTING), S(GONE) | S(POSTMIGRATE), FRESH,
		"-    -    fini -    -    -    -    -    -   " },
{ COMMITTED, S(GONE), ALWAYS,
		"-    -    fini forw -    -    -    -    -   " },
{ J(ROLLBACK), S(POSTMIGRATE), STAYED,
		"-    -    -    forw -    -    -    -    -   " },
};
/* clang-format on */

static bool is_when(enum when when, const struct verdict_input *in)
{
	bool stale = in->disks_moved &&
		     (EARLY | J(SWITCH) | J(ABORTING)) & (1u << in->journal);

	switch (when) {
	case STALE:
		return stale;
	case FRESH:
		return !stale;
	case SEEN:
		return !stale && !in->source_unwatched;
	case BLIND:
		return !stale && in->source_unwatched;
	case STAYED:
		return !in->source_ran;
	case ALWAYS:
		break;
	}
	return true;
}

/* The cell of the only row for this input; NULL without one. */
static const char *cell(const struct row *table, size_t n,
			const struct verdict_input *in)
{
	const char *found = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct row *r = &table[i];

		if (!(r->journal & (1u << in->journal)) ||
		    !(r->source & (1u << in->source)) || !is_when(r->when, in))
			continue;
		assert_null(found);
		assert_int_equal(strlen(r->verdicts), 5 * SIDE_STATES - 1);
		found = r->verdicts + 5 * in->destination;
	}
	return found;
}

static bool is_cell(const char *cell, struct verdict_output out)
{
	return !strncmp(cell, verdict_name(out.verdict), 4);
}

static bool as_the_table_says(const struct verdict_input *in,
			      struct verdict_output out)
{
	const char *c = cell(rows, ARRAY_SIZE(rows), in);

	return c && is_cell(asks_a_person(in) ? "pers" : c, out);
}

TEST(every_state_has_one_row_and_its_verdict)
{
	check_all(as_the_table_says);
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

static bool refusal_is_reported(const struct verdict_input *in,
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
	check_all(refusal_is_reported);
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

static bool granted_as_said(const struct row *table, size_t n,
			    const struct verdict_input *in,
			    enum verdict_choice choice)
{
	const char *c = cell(table, n, in);
	struct verdict_output out = verdict_force(in, choice);

	if (!c || *c == '-')
		return out.verdict == VERDICT_HOLD;
	return is_cell(c, out);
}

static bool as_the_tables_of_choices_say(const struct verdict_input *in,
					 struct verdict_output out)
{
	if (asks_a_person(in))
		return granted_as_said(continue_ran_rows,
				       ARRAY_SIZE(continue_ran_rows), in,
				       CHOICE_CONTINUE) &&
		       granted_as_said(discard_ran_rows,
				       ARRAY_SIZE(discard_ran_rows), in,
				       CHOICE_DISCARD);
	return !is_open(out.verdict) ||
	       (granted_as_said(continue_rows, ARRAY_SIZE(continue_rows), in,
				CHOICE_CONTINUE) &&
		granted_as_said(discard_rows, ARRAY_SIZE(discard_rows), in,
				CHOICE_DISCARD));
}

TEST(a_choice_is_granted_where_its_row_says_so_and_nowhere_else)
{
	check_all(as_the_tables_of_choices_say);
}
