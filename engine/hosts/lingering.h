/* SPDX-License-Identifier: MIT */
/*
 * lingering: what a host's logind does when an ordinary user logs out.
 *
 * With KillUserProcesses=yes the processes of a login end with it, QEMU and
 * guardian among them. Else a session lasts ("closing") as long as a process
 * of it, and with it the user's runtime directory. A login without a session
 * (sshd with UsePAM no) does not keep that directory: unless the user lingers,
 * it is removed with all sockets in it when the user's last session ends; QEMU
 * goes on without them.
 *
 * Of a user who does not linger the service manager (systemd --user) ends with
 * the last session, too, and with it all that is in its units.
 */
#ifndef ENGINE_HOSTS_LINGERING_H
#define ENGINE_HOSTS_LINGERING_H

#include <stdbool.h>

#include "transport/host.h"

struct lingering {
	char *user;   /* NULL: nothing is known, or it is root */
	bool lingers; /* "loginctl enable-linger" was done */
	bool session; /* the login is a session of logind */
	bool ends;    /* what this login has started ends with it */
};

/* Asks @h; without loginctl(1), or an answer of it, nothing is known. */
int lingering_ask(struct host *h, struct lingering *out, struct mono deadline,
		  struct err *err);
void lingering_free(struct lingering *l);

enum lingering_manager {
	LINGERING_UNKNOWN, /* without loginctl(1), or an answer of it */
	LINGERING_ENDS,	   /* the manager ends with the last session */
	LINGERING_STAYS,
};
/* What becomes of the service manager of @user on @h. */
int lingering_ask_manager(struct host *h, const char *user,
			  enum lingering_manager *out, struct mono deadline,
			  struct err *err);

/* --- pure, for tests ------------------------------------------------------ */

/* The script's lines → *out. */
void lingering_read(const char *text, struct lingering *out);
extern const char lingering_sh[], lingering_manager_sh[];

#endif
