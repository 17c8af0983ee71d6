/* SPDX-License-Identifier: MIT */
/*
 * ancestors: the processes above a guest's QEMU, as far as they may start it
 * again (supervisor.h judges them).
 */
#ifndef ENGINE_GUEST_ANCESTORS_H
#define ENGINE_GUEST_ANCESTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "transport/base/strv.h"
#include "transport/host.h"

enum { ANCESTORS_TEXT_BYTES = 64 << 10 }; /* of a script, that are read */

/* Strings are owned; NULL or empty where /proc did not show it. */
struct ancestor {
	pid_t pid;
	char *comm;
	char *exe;
	struct strv argv;
	char state;	/* of proc_stat.h; 0: not known */
	bool leads_tty; /* a session leader with a terminal */
	bool on_tty;	/* its standard input is a terminal */
	char *script;	/* the text of the script that it has open */
	char *input;	/* of its standard input, when that is a file */
	bool cut;	/* one of the texts is longer than what was read */
};

struct ancestors {
	struct ancestor *v; /* the parent first */
	size_t n;
	bool hidden; /* there is a further one that could not be seen */
};

/* Those of process @pid on @h. */
int ancestors_read(struct host *h, pid_t pid, struct ancestors *out,
		   struct mono deadline, struct err *err);

/*
 * The script's output → ancestors; pure, for tests. A process begins with
 * "process PID" and ends with "end"; between them are "KEY HEX" (comm, exe,
 * cmdline, text, input) and "KEY WORD" (state, session, tty, stdin). The last
 * line is "above PID": 0 is the end, "-" could not be seen.
 */
void ancestors_parse(const char *text, struct ancestors *out);
void ancestors_free(struct ancestors *list);

#endif
