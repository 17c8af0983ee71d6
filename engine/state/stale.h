/* SPDX-License-Identifier: MIT */
/*
 * stale: what runs that are over left behind on this host: killed between two
 * steps that change nothing else, so that nobody has anything to recover.
 */
#ifndef ENGINE_STATE_STALE_H
#define ENGINE_STATE_STALE_H

#include <stdbool.h>

/* Whether some process holds a guest's lock on this host. */
bool stale_is_busy(const char *run_root);
/*
 * Removes the directory of @run in the state directory @state, and its token in
 * @run_root, if its journal is finished and its writer does not live. One
 * without a journal, or without a record in it, is removed unless @busy (asked
 * for after the directory was seen): a run makes its directory with its guest's
 * lock held.
 */
void stale_journal(const char *state, const char *run, const char *run_root,
		   bool busy);
/* Removes the guests' locks on this host that no process holds. */
void stale_locks(const char *run_root);

#endif
