/* SPDX-License-Identifier: MIT */
/*
 * proc_ask: questions to a host's /proc that end, whatever other users'
 * processes do.
 *
 * Who reads the memory of a process (cmdline, environ), or looks at a file
 * through it (root, cwd, a descriptor), waits for that process's file systems,
 * which may never answer; and a user may have any number of processes and
 * descriptors. So only those are asked that can matter, and a question that is
 * not answered in time has the answer "not known", which is neither "nobody"
 * nor "gone".
 */
#ifndef ENGINE_HOSTS_PROC_ASK_H
#define ENGINE_HOSTS_PROC_ASK_H

/*
 * Functions:
 *
 * `whole SECONDS COMMAND...` prints all that COMMAND prints, or nothing and
 *	has status 124 when it takes longer; it goes on in the background then.
 * `uid_of USER` prints the number of a user, who may be one already.
 * `pids_of UID...` prints the processes that have the rights of one of the
 *	users, one a line: their real, effective or saved user.
 */
extern const char proc_ask_sh[];

/*
 * `run_dir_pids DIRECTORY UID...` prints the processes of these users that were
 * started for a run directory: $variable in their environment says so, or their
 * command line if this login may not read that. Status 1 if the users have no
 * process at all. Needs proc_ask_sh; to be run within a time (in_time,
 * as_user.h).
 */
extern const char run_dir_pids_sh[];

#endif
