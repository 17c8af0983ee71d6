/* SPDX-License-Identifier: MIT */
/*
 * owns: whether this host may run a guest, for start scripts, units, people.
 *
 * Answered from this host's disk: the mark of a move (moved.h), the journals
 * of runs that nobody has finished yet, and what was published of both in the
 * usual state directory of this process's user and in root's. So the guest's
 * user learns of root's migrations, whatever their state directory. A guest of
 * which none says anything may run here; where a place cannot be read it is
 * not known. Of what an ordinary user has moved only root learns, beside him.
 *
 * The guest is the one that the asking user means (guest_id.h). Root, who
 * starts guests of others, too, is also answered for another user's guest of
 * that name or UUID when nothing is known of one of root's and none runs here;
 * with USER/NAME or USER/UUID for that user's, and never for another's. What a
 * user has published (owns_users.h) answers root for USER/NAME; for a name
 * alone it is not decided then, since that user may have made it up.
 */
#ifndef ENGINE_RECOVER_OWNS_H
#define ENGINE_RECOVER_OWNS_H

#include <json.h>

#include "engine/event/exit_code.h"
#include "engine/state/moved.h"
#include "transport/base/strv.h"
#include "transport/host_options.h"

enum owns_answer {
	OWNS_HERE,
	OWNS_MOVED,
	OWNS_UNDECIDED, /* or not known; `why` says what has to be done */
	OWNS_REFUSED,	/* a claim, see owns_claim() */
	OWNS_ANSWERS
};
const char *owns_answer_name(enum owns_answer a); /* "here", "moved", … */
/* 0, 1, 7 and 3; 1 is an answer here. */
int owns_exit_code(enum owns_answer a);

struct owns {
	enum owns_answer answer;
	struct moved moved; /* when it was; .run NULL: no mark is known */
	bool claimed;	    /* the mark was removed */
	struct strv notes;  /* sentences on what was passed over */
	struct err why;
};

/* Everything is borrowed. */
struct owns_options {
	const char *guest;     /* a name or a UUID, or USER/ and one of them */
	const char *state_dir; /* NULL: the usual one */
	const char *program;   /* for a claim, see on_behalf.h */
	struct host_options ssh;
};

/*
 * Both from a task; -1, with @err, when @opt names no guest, or one that the
 * asking user may not ask for: ERR_USAGE.
 */
int owns_ask(const struct owns_options *opt, struct owns *out, struct err *err);
/*
 * A person's word that the guest is this host's: removes its marks, unless the
 * host that it went to answers that it has the guest or has moved it on, or
 * cannot say (owns_elsewhere.h). What root has moved only root claims; what
 * another user has moved root claims with that user's rights.
 */
int owns_claim(const struct owns_options *opt, struct owns *out,
	       struct err *err);

struct json_object *owns_to_json(const struct owns *o, const char *guest);
void owns_free(struct owns *o);

#endif
