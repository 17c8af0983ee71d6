/* SPDX-License-Identifier: MIT */
/*
 * departed: what a guest that was moved to a host leaves there when it has
 * ended: the public names of its sockets and its pid file, and its run
 * directory.
 *
 * The shell that QEMU has as its parent removes it. What a power cut leaves is
 * removed by the next command on that host, from the record that is kept beside
 * the runs: a line each for whose /proc it was (identity_match_sh), the boot
 * id, "PID TICKS" of QEMU, its run directory, user and group (empty: the
 * login's own); then three lines a name: which file it is (device, inode and
 * time), where QEMU made it, the name.
 */
#ifndef ENGINE_HOSTS_DEPARTED_H
#define ENGINE_HOSTS_DEPARTED_H

/*
 * Functions, which need those of admit_sh, as_user_sh, identity_match_sh,
 * proc_ask_sh, run_dir_pids_sh and run_dir_remove_sh:
 *
 * `note_arrival RECORD PID TICKS DIR` writes a record; names come from the
 *	standard input, user and group from $user and $group.
 * `forget_arrival RECORD PID TICKS DIR` removes the record if it is about that
 *	process of this machine with that run directory: a guest's environment
 *	says where it is, and may say where another guest's is.
 * `departed RECORD` removes what is in a record, unless QEMU still runs, and
 *	the record. What fails leaves the record as it is. If a file system of
 *	the user's does not answer, it becomes RECORD.stuck for this boot, as
 *	long as the process lives that waits for it: "PID TICKS" of that is
 *	behind the boot id. $take_all is a script that takes names: FORM, a
 *	format of stat(1), then three arguments a name.
 * `sweep DIRECTORY` does that for all records in it whose QEMU is known to have
 *	no parent any more, by $variable of its environment.
 */
extern const char departed_sh[];

#endif
