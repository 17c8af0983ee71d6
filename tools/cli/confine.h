/* SPDX-License-Identifier: MIT */
/*
 * confine: takes rights away from this process that it no longer needs, so
 * that a peer that finds a hole in it gets little.
 */
#ifndef TOOLS_CLI_CONFINE_H
#define TOOLS_CLI_CONFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transport/base/err.h"

struct confine_rules {
	/*
	 * NULL-terminated, or NULL: beneath these, files, sockets, FIFOs and
	 * symbolic links may be made, changed, renamed and removed. One that
	 * does not exist is skipped. A file is allowed here, too: it may be
	 * written to.
	 */
	const char *const *write_dirs;
	/* TCP may connect to these only; none: anywhere */
	const uint16_t *connect_ports;
	size_t n_ports;
	bool allow_exec; /* may programs be run, under the same rules? */
};

/* How far it went. */
enum confine_level {
	CONFINE_PRIVS,	  /* no new privileges; the kernel has no Landlock */
	CONFINE_LANDLOCK, /* and the rules, as far as the kernel knows them */
};

/*
 * From here on, for the calling thread and all that it starts (a QEMU on this
 * host, too), for good:
 *
 * - setuid and setgid bits and file capabilities have no effect (a proxy
 *   command with sudo(8) fails, as does qemu-bridge-helper);
 * - files are read anywhere, and written, made, renamed and removed only where
 *   @r says and at /dev/null, /dev/tty and /dev/pts;
 * - device files take no ioctl(2) but those of terminals (Linux 6.10);
 * - no TCP port is bound, and only those of @r are connected to (Linux 6.7);
 * - abstract UNIX sockets of processes outside cannot be connected to (Linux
 *   6.12); those with a path can;
 * - processes outside cannot be traced, nor the links of their /proc/PID (exe,
 *   cwd, root, ns, fd) be followed; stat and cmdline there can be read, and
 *   the processes be signalled.
 *
 * Descriptors that are open go on working. Threads that run already are not
 * confined. Before Linux 5.19 a rename stays within one directory, before 6.2
 * truncate(2) is not refused.
 *
 * 0, with how far it went in *@level (may be NULL); a kernel without Landlock
 * is no failure. ERR_SYSTEM: then the rules do not hold.
 */
int confine_self(const struct confine_rules *r, enum confine_level *level,
		 struct err *err);

#endif
