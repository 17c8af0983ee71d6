/* SPDX-License-Identifier: MIT */
/*
 * endpoint_sandbox: what an endpoint gives up before the first byte from the
 * network.
 *
 *	descriptors	none but 0 to 5 (control.h)
 *	user		when root: a uid that no other process has
 *	signals		by nobody but root, or the same user when not root
 *	privileges	no_new_privs: none can come back by an exec
 *	limits		no file, process, core dump; little memory
 *	Landlock	no file, directory, device; no TCP; no abstract socket
 *	seccomp		a list of system calls, and death for all others
 *
 * Either of the last two suffices to keep it from files, and a kernel may lack
 * one. Memory and core are not to be read by others of the same user: not
 * dumpable.
 */
#ifndef TRANSPORT_ENDPOINT_ENDPOINT_SANDBOX_H
#define TRANSPORT_ENDPOINT_ENDPOINT_SANDBOX_H

#include "transport/base/err.h"

/* Closes every descriptor that an endpoint is not meant to have. */
int endpoint_sandbox_close_fds(struct err *err);
/*
 * Gives up all the rest, for good. Returns what holds from here on (bits of
 * enum control_confined), or -1.
 */
int endpoint_sandbox_enter(struct err *err);

/* --- its steps, for tests ------------------------------------------------- */

/* 1: done, 0: the kernel cannot, -1. */
int endpoint_sandbox_user(struct err *err);
int endpoint_sandbox_limits(struct err *err);
int endpoint_sandbox_landlock(struct err *err);
int endpoint_sandbox_seccomp(struct err *err);

#endif
