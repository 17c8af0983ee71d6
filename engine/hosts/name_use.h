/* SPDX-License-Identifier: MIT */
/*
 * name_use: who has a name on a host that a guest's socket or pid file is to
 * get there.
 *
 * Only what nobody uses may be replaced: a socket on which no process listens,
 * a pid file that no process has open. Looked at from /proc, by the login;
 * nothing is connected to or opened but a pid file, and that with the rights of
 * the guest's user. Asked are the processes of those who may have the name:
 * root, the login, the guest's user, the owner of what has the name. What they
 * do not answer within 15 s is not known.
 */
#ifndef ENGINE_HOSTS_NAME_USE_H
#define ENGINE_HOSTS_NAME_USE_H

#include <sys/types.h>

#include "engine/hosts/probe.h"

enum name_use {
	NAME_FREE,   /* nothing has it, or what has it may be replaced */
	NAME_LIVE,   /* a live process listens there or has it open */
	NAME_FILE,   /* a file of another kind */
	NAME_SOCKET, /* a socket, where a pid file is to be */
	NAME_DIRECTORY,
	NAME_UNKNOWN, /* who has it was not found out in time */
	NAME_USES
};

/* What is to get the name. A log is appended to, so others may have it open. */
enum name_kind { NAME_OF_SOCKET, NAME_OF_PIDFILE, NAME_OF_LOG, NAME_KINDS };

struct name_answer {
	enum name_use use;
	pid_t pid; /* NAME_LIVE: which process; 0: not known */
};

struct name_asker {
	const struct as_user *user; /* the guest's; NULL: the login's own */
	pid_t source; /* the guest's pid, as a pid file may have it */
	pid_t self;   /* a process of that host that does not count, or 0 */
};

/*
 * The functions of name_use_ask() as shell text. `name_use KIND NAME`
 * sets $use, and prints it: "free", "live PID", "file", "socket", "directory"
 * or "unknown", without the process $except; $guest is a pid that a pid file
 * may have. Needs as_user_sh and proc_ask_sh.
 */
extern const char name_use_sh[];
/* Appends the variables and functions that `name_use` needs. */
void name_use_begin(struct buf *script, const struct name_asker *asker);

/* Who has @names[i], which is to be that of a @kinds[i], in @out[i]. */
int name_use_ask(struct host *h, const struct name_asker *asker,
		 const struct strv *names, const enum name_kind *kinds,
		 struct name_answer *out, struct mono deadline,
		 struct err *err);

#endif
