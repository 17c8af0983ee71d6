/* SPDX-License-Identifier: MIT */
/*
 * discover_script: what is run on a host to read its /proc (discover*.sh).
 */
#ifndef ENGINE_GUEST_DISCOVER_SCRIPT_H
#define ENGINE_GUEST_DISCOVER_SCRIPT_H

/*
 * Behind proc_ask_sh: prints every QEMU process of its own namespaces, for
 * discover_parse():
 *
 *   vmferry-proc 1           the format; always the first line
 *   process PID              begins a process; all below belong to it
 *   KEY HEX…                 exe, cmdline, cwd, env (one a variable), parent
 *    HEX…                    (a line that starts with a blank goes on)
 *   KEY TEXT                 stat, status, limits, cgroup: a line of /proc;
 *                            user, group: a name
 *   end                      the process was read to its end
 *   left-out UID             a process of a user who has too much of them
 *
 * Of the environment only VMFERRY_* and PWD are printed, of each text at most
 * DISCOVER_MOST_BYTES.
 */
enum { DISCOVER_MOST_BYTES = 65536 };
extern const char discover_sh[];

/*
 * With $1 a PID: prints the line "process=", and behind it that of
 * /proc/PID/stat, or "gone" when there is proof that no such process exists, or
 * nothing. To be put behind identity_sh, since only one who knows whose /proc
 * that is may believe it.
 */
extern const char discover_alive_sh[];

/* With paths as $1…: prints what each leads to, one a line. */
extern const char discover_real_sh[];

#endif
