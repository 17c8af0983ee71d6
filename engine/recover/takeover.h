/* SPDX-License-Identifier: MIT */
/*
 * takeover: a run is brought back from its journal, by one process alone.
 *
 * Theory of operation. Two locks keep others out. The guest's lock is for who
 * touches the source: an engine, or a recovery that may have to undo there. The
 * journal's own is for who finishes this run. A recovery takes both, in this
 * order, and reads the journal under them. Where only the destination is left
 * to be cleaned up it has the second alone: the guest is anybody's by then, who
 * may be migrating it anew, away from a destination that never answers again.
 *
 *	journal		up to …		source_back	… removed
 *	guest's lock	========================|
 *	journal's lock	=========================================|
 *	a new run	refused			|may begin
 */
#ifndef ENGINE_RECOVER_TAKEOVER_H
#define ENGINE_RECOVER_TAKEOVER_H

#include "engine/state/journal_read.h"
#include "engine/run/run.h"

struct takeover {
	const char *path; /* of the journal; borrowed */
	/* as it was read last; its owner frees it */
	struct journal_view view;
	bool at_once;  /* who holds a lock for a short time is not waited for */
	bool rest;     /* only the destination is left to be cleaned up */
	bool finished; /* by somebody else meanwhile */
};

/*
 * Restores @r, of which @t->view gave the key before, from its journal. It
 * has r->held.journal to write to then, unless @closed says why not. -1 with
 * ERR_BUSY while the run's engine lives, or another recovery of it goes on and
 * on; with any error once @t->finished.
 */
int takeover(struct takeover *t, struct run *r, struct err *closed,
	     struct err *err);
/*
 * From here on @t is a rest, as its journal says on disk: the guest's lock and
 * the source's monitors are given up.
 */
void takeover_let_go(struct takeover *t, struct run *r);

#endif
