/* SPDX-License-Identifier: MIT */
/*
 * lingering: what a host's logind does when an ordinary user logs out.
 *
 * With KillUserProcesses=yes the processes of a login end with it, QEMU and
 * guardian among them. Without lingering a user's runtime directory, with all
 * sockets in it, is removed after the last logout; QEMU goes on without them.
 */
#ifndef ENGINE_HOSTS_LINGERING_H
#define ENGINE_HOSTS_LINGERING_H

#include <stdbool.h>

#include "transport/host.h"

struct lingering {
	char *user;   /* NULL: nothing is known, or it is root */
	bool lingers; /* "loginctl enable-linger" was done */
	bool ends;    /* what this login has started ends with it */
};

/* Asks @h; without loginctl(1), or an answer of it, nothing is known. */
int lingering_ask(struct host *h, struct lingering *out, struct mono deadline,
		  struct err *err);
void lingering_free(struct lingering *l);

/* --- pure, for tests ------------------------------------------------------ */

/* The script's lines → *out. */
void lingering_read(const char *text, struct lingering *out);
extern const char lingering_sh[];

#endif
