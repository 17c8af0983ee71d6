/* SPDX-License-Identifier: MIT */
/* Tests of engine/event/exit_code.c. */
#include "engine/event/exit_code.h"

#include <string.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

/* --- the contract --------------------------------------------------------- */

TEST(exit_codes_are_those_of_the_contract)
{
	static const int codes[OUTCOMES][2] = {
		[OUTCOME_MIGRATED] = { 0, 8 },
		[OUTCOME_READY] = { 0, 0 },
		[OUTCOME_REFUSED] = { 3, 3 },
		[OUTCOME_FAILED] = { 4, 9 },
		[OUTCOME_UNCONVERGED] = { 5, 9 },
		[OUTCOME_CANCELLED] = { 6, 9 },
		/* left-overs never hide an undecided owner */
		[OUTCOME_UNDECIDED] = { 7, 7 },
		[OUTCOME_UNREACHABLE] = { 10, 10 },
		[OUTCOME_BUSY] = { 11, 11 },
		[OUTCOME_ENDED] = { 12, 12 },
		[OUTCOME_NO_GUEST] = { 13, 13 },
		[OUTCOME_USAGE] = { 2, 2 },
		[OUTCOME_INTERNAL] = { 1, 1 },
	};

	for (int o = 0; o < OUTCOMES; o++) {
		assert_int_equal(exit_code_of(o, false), codes[o][0]);
		assert_int_equal(exit_code_of(o, true), codes[o][1]);
	}
}

TEST(codes_that_belong_to_no_outcome_keep_theirs)
{
	assert_int_equal(EXIT_CODE_INTERRUPTED, 130);
	assert_int_equal(EXIT_CODE_JOURNAL_TORN, 1);
	assert_int_equal(EXIT_CODE_JOURNAL_CORRUPT, 3);
	assert_int_equal(EXIT_CODE_RECORDING_TOO_SHORT, 3);
}

static bool has_meaning(enum exit_code code)
{
	const struct exit_code_meaning *m = exit_code_meanings;

	while (m->text && m->code != code)
		m++;
	return m->text;
}

TEST(the_manual_has_a_sentence_for_each_code_in_order)
{
	const struct exit_code_meaning *m = exit_code_meanings;

	for (int o = 0; o < OUTCOMES; o++) {
		assert_true(has_meaning(exit_code_of(o, false)));
		assert_true(has_meaning(exit_code_of(o, true)));
	}
	assert_true(has_meaning(EXIT_CODE_INTERRUPTED));
	for (; m[1].text; m++)
		assert_true(m[0].code < m[1].code);
}

TEST(only_what_changes_nothing_is_unchanged)
{
	static const enum outcome after_a_change[] = {
		OUTCOME_MIGRATED,  OUTCOME_FAILED,    OUTCOME_UNCONVERGED,
		OUTCOME_CANCELLED, OUTCOME_UNDECIDED, OUTCOME_ENDED,
		OUTCOME_INTERNAL,
	};
	size_t changed = 0;

	for (int o = 0; o < OUTCOMES; o++)
		changed += !outcome_is_unchanged(o);
	assert_int_equal(changed, ARRAY_SIZE(after_a_change));
	for (size_t i = 0; i < ARRAY_SIZE(after_a_change); i++)
		assert_false(outcome_is_unchanged(after_a_change[i]));
}

TEST(every_outcome_has_a_name_of_its_own)
{
	for (int i = 0; i < OUTCOMES; i++) {
		for (int j = 0; j < i; j++)
			assert_string_not_equal(outcome_name(i),
						outcome_name(j));
	}
}

TEST(login_failures_count_as_unreachable)
{
	assert_int_equal(outcome_of_error(ERR_NETWORK), OUTCOME_UNREACHABLE);
	assert_int_equal(outcome_of_error(ERR_HOSTKEY), OUTCOME_UNREACHABLE);
	assert_int_equal(outcome_of_error(ERR_BECOME), OUTCOME_UNREACHABLE);
	assert_int_equal(outcome_of_error(ERR_AUTH), OUTCOME_UNREACHABLE);
	assert_int_equal(outcome_of_error(ERR_CRYPTO), OUTCOME_UNREACHABLE);
}

TEST(no_error_never_looks_like_success)
{
	for (int i = 0; i < ERR_KINDS; i++)
		assert_int_not_equal(outcome_of_error(i), OUTCOME_MIGRATED);
}

/* --- the gravest ---------------------------------------------------------- */

TEST(the_gravest_of_several_is_the_code)
{
	static const enum exit_code order[] = {
		EXIT_CODE_UNDECIDED,	  EXIT_CODE_BUSY,
		EXIT_CODE_ENDED,	  EXIT_CODE_UNDONE_LEFTOVERS,
		EXIT_CODE_DONE_LEFTOVERS, EXIT_CODE_DONE,
	};

	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(order); j++) {
			const enum exit_code two[] = { order[i], order[j] };

			assert_int_equal(exit_code_worst(two, 2),
					 order[i < j ? i : j]);
		}
	}
	assert_int_equal(exit_code_worst(NULL, 0), EXIT_CODE_DONE);
}
