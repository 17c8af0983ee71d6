/* SPDX-License-Identifier: MIT */
/*
 * launch_script: the parts of the shell scripts that start a QEMU on a host and
 * remove it again, up to what depends on the guest.
 *
 * They use, besides what is named with each of them, functions of
 * admit_functions and session_find. Variables are assigned by the caller.
 */
#ifndef ENGINE_HOSTS_LAUNCH_SCRIPT_H
#define ENGINE_HOSTS_LAUNCH_SCRIPT_H

/*
 * limit NAME SOFT HARD: the shell takes the source's limits, QEMU inherits
 * them. A hard limit that cannot be raised (root in a container may lack the
 * right) does not matter as long as the soft one fits; what does not fit is
 * added to $limits.
 */
extern const char launch_script_limit[];
/*
 * Makes $dir, owned by $owner, below $root, and $lock, which says who answers
 * for run $run; leaves QEMU's output open as 8 and 9. "busy=" or "full=" and
 * status 0 when the guest is on its way here already, or is not admitted.
 */
extern const char launch_script_make[];
/*
 * Waits for the socket $monitor of the QEMU just started in the background:
 * "pid=", "ticks=", then "ready=", "died=" or "slow=".
 */
extern const char launch_script_await[];
/*
 * Ends the QEMU $pid that was started at $ticks (both may be empty), and all
 * whose environment has $variable=$dir; removes $dir, and $lock if it is that
 * of $run.
 */
extern const char launch_script_remove[];

#endif
