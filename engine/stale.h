/* SPDX-License-Identifier: MIT */
/*
 * stale: what runs that are over left behind on this host: killed between two
 * steps that change nothing else, so that nobody has anything to recover.
 */
#ifndef ENGINE_STALE_H
#define ENGINE_STALE_H

/*
 * Removes the run directory of the journal @path if the journal is finished,
 * or has no record, and no process has it open.
 */
void stale_journal(const char *path);
/* Removes the guests' locks on this host that no process holds. */
void stale_locks(const char *run_root);

#endif
