/* SPDX-License-Identifier: MIT */
/*
 * owns: whether this host may run a guest, for start scripts, units, people.
 *
 * Answered from this host's disk alone: the mark of a move (moved.h), and the
 * journals of runs that nobody has finished yet. A guest of which neither says
 * anything may run here.
 */
#ifndef ENGINE_RECOVER_OWNS_H
#define ENGINE_RECOVER_OWNS_H

#include <json.h>

#include "engine/event/exit_code.h"
#include "engine/state/moved.h"
#include "transport/host_options.h"

enum owns_answer {
	OWNS_HERE,
	OWNS_MOVED,
	OWNS_UNDECIDED, /* `why` says what has to be done first */
	OWNS_REFUSED,	/* a claim: the other host answers that it runs there */
	OWNS_ANSWERS
};
const char *owns_answer_name(enum owns_answer a); /* "here", "moved", … */
/* 0, 1, 7 and 3; 1 is an answer here. */
int owns_exit_code(enum owns_answer a);

struct owns {
	enum owns_answer answer;
	struct moved moved; /* when it was; .run NULL: no mark is known */
	bool claimed;	    /* the mark was removed */
	struct err why;
};

/* Everything is borrowed. */
struct owns_options {
	const char *guest;     /* a name or a UUID */
	const char *state_dir; /* NULL: the usual one */
	struct host_options ssh;
};

/* Both from a task; -1, with @err, when @opt names no guest: ERR_USAGE. */
int owns_ask(const struct owns_options *opt, struct owns *out, struct err *err);
/*
 * A person's word that the guest is this host's: removes its mark, unless the
 * host that it went to answers that it runs there.
 */
int owns_claim(const struct owns_options *opt, struct owns *out,
	       struct err *err);

struct json_object *owns_to_json(const struct owns *o, const char *guest);
void owns_free(struct owns *o);

#endif
