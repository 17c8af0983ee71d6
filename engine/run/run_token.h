/* SPDX-License-Identifier: MIT */
/*
 * run_token: the random token that a run leaves on both hosts.
 *
 * Theory of operation. Ids of a machine can be copied with it; what was left on
 * a host by this run cannot be on one that was copied before. The token is made
 * once a run. BEGIN has it, and so has each side, in a file of its own, of mode
 * 0600, in a directory of ours below the run root: not in the guest's run
 * directory, where its user may write. It is read back with each question that
 * a host is asked about the run: identity.h has what follows.
 *
 *	journal		BEGIN	PREP	DEST	…	ABORTING	ABORTED
 *							DESTRUN		DONE
 *	source's file	 |====================================----------|
 *	destination's		 |=================================-----|
 *
 * =: a host that is said to be the same and lacks it is not believed. -: the
 * run removes it. A destination that is removed before ABORTING or DESTRUN is
 * on disk (its `cont` was refused, or COMMIT is in doubt) keeps the file until
 * then, so that a recovery can still conclude from what is not there any more.
 */
#ifndef ENGINE_RUN_RUN_TOKEN_H
#define ENGINE_RUN_RUN_TOKEN_H

#include <stdbool.h>

#include "engine/state/journal_identity.h"
#include "transport/base/buf.h"
#include "transport/base/err.h"

struct run;

/* Before BEGIN: where it is to be. */
void run_token_place(struct run *r);
/* After BEGIN: leaves it on this host, which is asked for it from then on. */
int run_token_leave(struct run *r, struct err *err);
/* Removes it from this host. */
void run_token_remove(struct run *r);
/*
 * Removes it from the destination if it is still there, once the journal is
 * gone: the record with which it is removed could not be written.
 */
void run_token_drop(struct run *r);
/* sh: what leaves it on the destination; see launch_make_sh. */
void run_token_assign(struct buf *script, const struct run *r);
/* It was left there: from now on the destination is asked for it. */
void run_token_expect(struct run *r);
/* @record is on disk, from which on both sides may lose it, or may not. */
void run_token_follow(struct run *r, enum journal_record record);
/* Whether the record before is on disk that lets the destination lose it. */
bool run_token_may_go(const struct run *r);
/* sh: $token_file is what is to be removed there; or empty. */
void run_token_assign_gone(struct buf *script, const struct run *r);

#endif
