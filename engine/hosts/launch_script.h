/* SPDX-License-Identifier: MIT */
/*
 * launch_script: the parts of the shell scripts that start a QEMU on a host and
 * remove it again, up to what depends on the guest.
 *
 * They use, besides what is named with each of them, functions of
 * admit_sh and login_session_find_sh. Variables are assigned by the caller.
 */
#ifndef ENGINE_HOSTS_LAUNCH_SCRIPT_H
#define ENGINE_HOSTS_LAUNCH_SCRIPT_H

/*
 * limit NAME SOFT HARD: the shell takes the source's limits, QEMU inherits
 * them. A hard limit that cannot be raised (root in a container may lack the
 * right) does not matter as long as the soft one fits; what does not fit is
 * added to $limits.
 */
extern const char launch_limit_sh[];
/*
 * Makes $dir, owned by $owner, below $root, and $lock, which says who answers
 * for run $run, with $token in $token_file; leaves QEMU's output open as 8 and
 * 9. "busy=" or "full=" and status 0 when the guest is on its way here already,
 * or is not admitted.
 */
extern const char launch_make_sh[];
/*
 * For a shell of its own, which is to have $variable=$dir in its environment:
 * starts the function `qemu` in the background, writes its pid to $lock, waits
 * for its end, and removes what the guest leaves once run $run is over, by
 * $record. Of what QEMU writes to its standard output and standard error no
 * more than the first MiB each is kept. $log is a file that QEMU appends to
 * through the pipe $dir/log, or empty; $user and $group are the guest's, or
 * empty. Needs departed_sh.
 */
extern const char launch_keep_sh[];
/*
 * Waits for the QEMU of the launch_keep_sh just started in the background, and
 * for the socket $monitor: "pid=", "ticks=", then "ready=", "died=" or "slow=".
 */
extern const char launch_await_sh[];
/*
 * Ends the QEMU $pid that was started at $ticks (both may be empty), and all
 * whose environment has $variable=$dir; removes $dir, and $lock if it is that
 * of $run, and $token_file, unless that is empty.
 */
extern const char launch_remove_sh[];

#endif
