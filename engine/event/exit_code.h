/* SPDX-License-Identifier: MIT */
/*
 * exit_code: how a command may end: its outcome, the word for it, and the exit
 * code, with what the manual says of each code. This is the contract with
 * scripts: a code keeps its meaning for ever.
 */
#ifndef ENGINE_EVENT_EXIT_CODE_H
#define ENGINE_EVENT_EXIT_CODE_H

#include <stdbool.h>
#include <stddef.h>

#include "transport/base/err.h"

enum exit_code {
	EXIT_CODE_DONE = 0,
	EXIT_CODE_INTERNAL = 1,
	EXIT_CODE_USAGE = 2,
	EXIT_CODE_REFUSED = 3,
	EXIT_CODE_FAILED = 4,
	EXIT_CODE_UNCONVERGED = 5,
	EXIT_CODE_CANCELLED = 6,
	EXIT_CODE_UNDECIDED = 7,
	EXIT_CODE_DONE_LEFTOVERS = 8,
	EXIT_CODE_UNDONE_LEFTOVERS = 9,
	EXIT_CODE_UNREACHABLE = 10,
	EXIT_CODE_BUSY = 11,
	EXIT_CODE_ENDED = 12,
	EXIT_CODE_NO_GUEST = 13,
	EXIT_CODE_INTERRUPTED = 130,
	/* of `journal` and of `replay`, where a code is about a file alone */
	EXIT_CODE_JOURNAL_TORN = 1,
	EXIT_CODE_JOURNAL_CORRUPT = 3,
	EXIT_CODE_RECORDING_TOO_SHORT = 3,
	/* of `owns`, where it is an answer */
	EXIT_CODE_MOVED_AWAY = 1,
};

/* One sentence for the manual. */
struct exit_code_meaning {
	enum exit_code code;
	const char *text; /* NULL behind the last */
};
extern const struct exit_code_meaning exit_code_meanings[];

enum outcome {
	OUTCOME_MIGRATED,
	OUTCOME_READY, /* only checked, and nothing speaks against it */
	OUTCOME_REFUSED,
	OUTCOME_FAILED,
	OUTCOME_UNCONVERGED,
	OUTCOME_CANCELLED,
	OUTCOME_UNDECIDED,
	OUTCOME_UNREACHABLE,
	OUTCOME_BUSY,
	OUTCOME_ENDED,
	OUTCOME_NO_GUEST,
	OUTCOME_USAGE,
	OUTCOME_INTERNAL,
	OUTCOMES
};
const char *outcome_name(enum outcome o); /* "migrated" */
/* The outcome an error of this kind means before anything was changed. */
enum outcome outcome_of_error(enum err_kind kind);
/* Whether it only happens before anything was changed. */
bool outcome_is_unchanged(enum outcome o);
enum exit_code exit_code_of(enum outcome o, bool has_leftovers);
/*
 * The gravest of @codes, of which each is about another guest: one that must be
 * held beats one that was undone.
 */
enum exit_code exit_code_worst(const enum exit_code *codes, size_t n);

#endif
