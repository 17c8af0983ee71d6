/* SPDX-License-Identifier: MIT */
/*
 * on_behalf: this program, run on this host with the rights of another user.
 *
 * What lies in a user's directories (journals, sockets, settings, keys) is that
 * user's: root neither reads nor acts on it with rights of its own. So the
 * whole command becomes that user (as_user.h), with that user's home and with
 * none of our environment, without a terminal, and with nothing on its standard
 * input. What it prints is that user's word.
 */
#ifndef ENGINE_HOSTS_ON_BEHALF_H
#define ENGINE_HOSTS_ON_BEHALF_H

#include "engine/hosts/local_users.h"
#include "transport/base/buf.h"
#include "transport/base/strv.h"

/* A zeroed struct to begin with. */
struct on_behalf {
	int status; /* exit code, or 128 + signal */
	struct buf out, err;
};

/*
 * Runs @program ("/proc/self/exe"; the user need not be able to reach it by any
 * name, but to execute it) with @words to its end. 0 whenever it ran, whatever
 * its status. -1: it could not be started, did not end in time, or printed over
 * 1 MiB. From a task; this process is root.
 */
int on_behalf_run(const struct local_user *u, const char *program,
		  const struct strv *words, struct on_behalf *out,
		  struct mono deadline, struct err *err);
void on_behalf_free(struct on_behalf *b);

#endif
