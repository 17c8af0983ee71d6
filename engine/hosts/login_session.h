/* SPDX-License-Identifier: MIT */
/*
 * login_session: the login that a run has on the destination, as a process.
 *
 * When the network or the engine dies, sshd on the host may not know for a long
 * time: scripts that were under way run on, and the monitors that were open
 * stay in use. The next run ends that login first, with all that it started, so
 * that no late command of it takes effect. A login is named "PID TICKS", where
 * the start time distinguishes it from a later process of that pid; nothing but
 * an sshd, with what it started, is ever touched.
 */
#ifndef ENGINE_HOSTS_LOGIN_SESSION_H
#define ENGINE_HOSTS_LOGIN_SESSION_H

/* sh: sets $session to this shell's own login; "" when sshd is not above it. */
extern const char login_session_find_sh[];
/*
 * sh, after login_session_find_sh and with ticks_of (admit.h): `end_session PID
 * TICKS` ends that login, unless it is this one, or gone.
 */
extern const char login_session_end_sh[];

#endif
