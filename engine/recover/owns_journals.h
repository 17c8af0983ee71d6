/* SPDX-License-Identifier: MIT */
/*
 * owns_journals: what the journals of unfinished runs say of a guest (owns.h).
 */
#ifndef ENGINE_RECOVER_OWNS_JOURNALS_H
#define ENGINE_RECOVER_OWNS_JOURNALS_H

#include "engine/hosts/identity.h"
#include "engine/recover/owns.h"

/* Borrowed, but for what *moved is filled with. */
struct owns_journals {
	const char *state; /* the directory */
	const char *word;  /* the guest, as it was asked for */
	const struct identity_space *here;
	enum guest_meant match; /* of the journals that count */
	struct moved *moved;	/* kept if it has a run */
	bool own;		/* out: there was one of the asker's guest */
};

/* OWNS_HERE, OWNS_MOVED, or OWNS_UNDECIDED with @why. */
enum owns_answer owns_journals_look(struct owns_journals *j, struct err *why);

#endif
