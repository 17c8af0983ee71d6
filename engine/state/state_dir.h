/* SPDX-License-Identifier: MIT */
/*
 * state_dir: where vmferry keeps things on a host's disk. No other C file
 * spells a path below one of the two directories.
 *
 *	STATE		outlives a reboot: --state-dir, or /var/lib/vmferry
 *	|		(root), or ~/.local/state/vmferry
 *	+- machine-id			identity.h; in the usual place only
 *	+- runs/RUN/journal		journal.h
 *	+- recordings/RUN.jsonl		recording.h
 *	+- moved/RUN			moved.h
 *	+- away/RUN			moved.h: what the guests' users may read
 *	+- arrived/RUN			departed.h: of a guest that run brought
 *	+- nonces/HEX			disk_facts.h
 *	`- pairs/MACHINE		lessons.h
 *
 *	ROOT		ends with a reboot: /run/vmferry (root), or
 *	|		$XDG_RUNTIME_DIR/vmferry, or ~/.vmferry
 *	+- locks/KEY			one migration of a guest at a time
 *	+- queue/MOMENT-RUN		ticket.h
 *	+- tokens/RUN-SIDE		run_token.h
 *	+- in-KEY/			arrival.h: a guest that arrives here, or
 *	|				has arrived and still runs
 *	`- RUN/				sockets and output of its QEMU
 *
 * RUN is a run's id, KEY a guest's key (run.h), MACHINE a machine id. The
 * script of probe.h chooses the two directories of a host, and the scripts of
 * admit.h and those that start QEMU make in-KEY and RUN: they run on hosts that
 * have no vmferry.
 *
 * A function that returns a path returns it to be freed, and looks at no file.
 * Whatever it is given as RUN or KEY, the path stays below the directory: see
 * path_part.h.
 */
#ifndef ENGINE_STATE_STATE_DIR_H
#define ENGINE_STATE_STATE_DIR_H

#include <stdbool.h>

#include "transport/base/err.h"

/* --- below the state directory ------------------------------------------- */

char *state_dir_runs(const char *state);
char *state_dir_run(const char *state, const char *run);
char *state_dir_journal(const char *state, const char *run);
char *state_dir_recordings(const char *state);
char *state_dir_lessons(const char *state);
char *state_dir_moved(const char *state);
char *state_dir_arrived(const char *state);
char *state_dir_away(const char *state);
char *state_dir_away_mark(const char *state, const char *run);
/* Root's, which those of other users are asked beside. */
extern const char state_dir_of_root[];

/* --- below the run root -------------------------------------------------- */

char *state_dir_locks(const char *root);
char *state_dir_lock(const char *root, const char *key);
char *state_dir_queue(const char *root);
char *state_dir_tokens(const char *root);
/* The token that a run leaves on its @side, "source" or "destination". */
char *state_dir_token(const char *root, const char *run, const char *side);
char *state_dir_arrival(const char *root, const char *key);
/* All of them, a pattern of glob(7). */
char *state_dir_arrivals(const char *root);
/* The directory of the QEMU that run @run started here. */
char *state_dir_guest(const char *root, const char *run);
/* Whether @path may be one of state_dir_guest(): directly below @root. */
bool state_dir_is_guest(const char *root, const char *path);

/* --- making, trusting, removing ------------------------------------------ */

/*
 * Makes every missing part of @path, each for its user alone, but so that
 * others may pass through root's state directory, and syncs the directories in
 * which they are new: a crash leaves none of them out.
 * ERR_SYSTEM.
 */
int state_dir_make(const char *path, struct err *err);
/*
 * Makes @dir, one of those directly below @root, for its user alone, and @root
 * so that others may pass through it: guests of other users have their
 * directories there. ERR_SYSTEM.
 */
int state_dir_make_in_root(const char *root, const char *dir, struct err *err);
/*
 * Makes state_dir_away() of @state, and @state so that others may pass through
 * it. Both belong to this process's user, and others write to neither.
 * ERR_SYSTEM.
 */
int state_dir_make_away(const char *state, struct err *err);
/*
 * That nobody but its user and root can redirect what is written to @dir, an
 * existing directory directly below the state directory, with an absolute
 * path. ERR_SYSTEM.
 */
int state_dir_trust(const char *dir, struct err *err);
/*
 * Syncs the directory that has the entry of @path. -1 with errno; a file system
 * that has nothing to sync is fine.
 */
int state_dir_sync_entry(const char *path);
/* Removes the directory @run_dir of a run and the journal in it, no more. */
void state_dir_remove_run(const char *run_dir);

#endif
