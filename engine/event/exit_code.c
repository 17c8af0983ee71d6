/* SPDX-License-Identifier: MIT */
/* exit_code: outcomes, their words and codes; the contract with scripts. */
#include "engine/event/exit_code.h"

#include <assert.h>

#include "transport/base/xalloc.h"

const struct exit_code_meaning exit_code_meanings[] = {
	{ EXIT_CODE_DONE, "Done. After migrate the guest runs on the "
			  "destination." },
	{ EXIT_CODE_INTERNAL, "Internal error; the last line says where the "
			      "guest runs." },
	{ EXIT_CODE_USAGE, "Wrong use of the command line, or a file it "
			   "names." },
	{ EXIT_CODE_REFUSED, "Refused by preflight; nothing was changed." },
	{ EXIT_CODE_FAILED, "Failed and undone; the guest runs on the "
			    "source." },
	{ EXIT_CODE_UNCONVERGED, "Would break the budget or missed the "
				 "deadline; undone." },
	{ EXIT_CODE_CANCELLED, "Cancelled by the user; undone." },
	{ EXIT_CODE_UNDECIDED, "Undecided: one side cannot be asked. Nothing "
			       "was started or killed; see WHEN IT GOES "
			       "WRONG." },
	{ EXIT_CODE_DONE_LEFTOVERS, "Done, but something that the last line "
				    "names was left over." },
	{ EXIT_CODE_UNDONE_LEFTOVERS, "Undone, but something that the last "
				      "line names was left on the "
				      "destination." },
	{ EXIT_CODE_UNREACHABLE, "A host cannot be reached or logged in to; "
				 "the guest runs on the source." },
	{ EXIT_CODE_BUSY, "Busy: another migration of this guest, or its "
			  "monitor is in use." },
	{ EXIT_CODE_ENDED, "The guest ended by itself on the way." },
	{ EXIT_CODE_NO_GUEST, "There is no such guest." },
	{ EXIT_CODE_INTERRUPTED, "A second Ctrl-C: exited at once, nothing "
				 "more was undone." },
	{ EXIT_CODE_DONE, NULL },
};

static const struct {
	const char *name;
	enum exit_code code, code_with_leftovers;
	bool unchanged;
} outcomes[] = {
	[OUTCOME_MIGRATED] = { "migrated", EXIT_CODE_DONE,
			       EXIT_CODE_DONE_LEFTOVERS, false },
	[OUTCOME_READY] = { "ready", EXIT_CODE_DONE, EXIT_CODE_DONE, true },
	[OUTCOME_REFUSED] = { "refused", EXIT_CODE_REFUSED, EXIT_CODE_REFUSED,
			      true },
	[OUTCOME_FAILED] = { "failed", EXIT_CODE_FAILED,
			     EXIT_CODE_UNDONE_LEFTOVERS, false },
	[OUTCOME_UNCONVERGED] = { "unconverged", EXIT_CODE_UNCONVERGED,
				  EXIT_CODE_UNDONE_LEFTOVERS, false },
	[OUTCOME_CANCELLED] = { "cancelled", EXIT_CODE_CANCELLED,
				EXIT_CODE_UNDONE_LEFTOVERS, false },
	[OUTCOME_UNDECIDED] = { "undecided", EXIT_CODE_UNDECIDED,
				EXIT_CODE_UNDECIDED, false },
	[OUTCOME_UNREACHABLE] = { "unreachable", EXIT_CODE_UNREACHABLE,
				  EXIT_CODE_UNREACHABLE, true },
	[OUTCOME_BUSY] = { "busy", EXIT_CODE_BUSY, EXIT_CODE_BUSY, true },
	[OUTCOME_ENDED] = { "ended", EXIT_CODE_ENDED, EXIT_CODE_ENDED, false },
	[OUTCOME_NO_GUEST] = { "no-guest", EXIT_CODE_NO_GUEST,
			       EXIT_CODE_NO_GUEST, true },
	[OUTCOME_USAGE] = { "usage", EXIT_CODE_USAGE, EXIT_CODE_USAGE, true },
	[OUTCOME_INTERNAL] = { "internal", EXIT_CODE_INTERNAL,
			       EXIT_CODE_INTERNAL, false },
};
static_assert(ARRAY_SIZE(outcomes) == OUTCOMES, "a row for each outcome");

static const enum outcome error_outcomes[] = {
	[ERR_NONE] = OUTCOME_INTERNAL,
	[ERR_INTERNAL] = OUTCOME_INTERNAL,
	[ERR_USAGE] = OUTCOME_USAGE,
	[ERR_SYSTEM] = OUTCOME_REFUSED,
	[ERR_TIMEOUT] = OUTCOME_UNREACHABLE,
	[ERR_CANCELLED] = OUTCOME_CANCELLED,
	[ERR_CLOSED] = OUTCOME_REFUSED,
	[ERR_PROTOCOL] = OUTCOME_REFUSED,
	[ERR_QMP] = OUTCOME_REFUSED,
	[ERR_REMOTE] = OUTCOME_REFUSED,
	[ERR_NETWORK] = OUTCOME_UNREACHABLE,
	[ERR_HOSTKEY] = OUTCOME_UNREACHABLE,
	[ERR_AUTH] = OUTCOME_UNREACHABLE,
	[ERR_BECOME] = OUTCOME_UNREACHABLE,
	[ERR_CRYPTO] = OUTCOME_UNREACHABLE,
	[ERR_BUSY] = OUTCOME_BUSY,
	[ERR_NO_GUEST] = OUTCOME_NO_GUEST,
	[ERR_AMBIGUOUS] = OUTCOME_USAGE,
	[ERR_REFUSED] = OUTCOME_REFUSED,
	[ERR_BUDGET] = OUTCOME_UNCONVERGED,
	[ERR_ENDED] = OUTCOME_ENDED,
	[ERR_UNDECIDED] = OUTCOME_UNDECIDED,
	[ERR_FAILED] = OUTCOME_REFUSED,
};
static_assert(ARRAY_SIZE(error_outcomes) == ERR_KINDS,
	      "an outcome for each kind");

/* The gravest first; others than these are about no guest. */
static const enum exit_code by_gravity[] = {
	EXIT_CODE_UNDECIDED,	    EXIT_CODE_BUSY,	      EXIT_CODE_ENDED,
	EXIT_CODE_UNDONE_LEFTOVERS, EXIT_CODE_DONE_LEFTOVERS,
};

const char *outcome_name(enum outcome o)
{
	assert(o < OUTCOMES);
	return outcomes[o].name;
}

enum outcome outcome_of_error(enum err_kind kind)
{
	assert(kind < ERR_KINDS);
	return error_outcomes[kind];
}

bool outcome_is_unchanged(enum outcome o)
{
	assert(o < OUTCOMES);
	return outcomes[o].unchanged;
}

enum exit_code exit_code_of(enum outcome o, bool has_leftovers)
{
	assert(o < OUTCOMES);
	return has_leftovers ? outcomes[o].code_with_leftovers
			     : outcomes[o].code;
}

enum exit_code exit_code_worst(const enum exit_code *codes, size_t n)
{
	for (size_t g = 0; g < ARRAY_SIZE(by_gravity); g++) {
		for (size_t i = 0; i < n; i++) {
			if (codes[i] == by_gravity[g])
				return codes[i];
		}
	}
	return EXIT_CODE_DONE;
}
