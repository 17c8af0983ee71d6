/* SPDX-License-Identifier: MIT */
/*
 * host_become: root's shell on a host where the login is another user's, by
 * sudo(8).
 *
 * Theory of operation. One command line starts host_become.sh by whatever login
 * shell the user has; it starts sudo, which starts a shell. sudo is given a
 * prompt that nobody else can know: seen on stderr, it wants one line, the
 * password, on stdin. Where nobody can be asked and nothing is known it is
 * given `-n` instead of `-S`, so that such a login is no failed attempt in the
 * host's log. The shell of root's prints a line of its own on stdout,
 *
 *	\nREADY-root UID\n
 *
 * with the user id of the login, and waits for the length of its text in a
 * line and the text. Nothing is sent before that line is there: sudo may ask
 * again, and would take it for a password. What comes before it (a motd, sudo's
 * lecture) is dropped. Where the login is root's there is no need of sudo.
 *
 * A password is asked for once a host, kept in memory for further shells, and
 * wiped. Tasks only.
 */
#ifndef TRANSPORT_HOST_BECOME_H
#define TRANSPORT_HOST_BECOME_H

#include <sys/types.h>

#include "transport/base/buf.h"
#include "transport/base/clock.h"
#include "transport/base/err.h"
#include "transport/host_options.h"

struct host_become;

/* @host is for messages and is copied. */
struct host_become *host_become_new(const char *host);
/* Wipes the password. NULL is fine. */
void host_become_free(struct host_become *b);
/* A password that is known already; is copied. */
void host_become_supply(struct host_become *b, const char *password);
/* The one that was supplied or typed; NULL: none. Borrowed. */
const char *host_become_password(const struct host_become *b);
/*
 * Who is asked from now on: by ask and arg of @opt, borrowed; NULL: nobody.
 */
void host_become_set_asker(struct host_become *b,
			   const struct host_options *opt);
/* The command line for the login shell; to be freed. */
char *host_become_line(const struct host_become *b);

enum host_become_sight {
	HOST_BECOME_WAITS,
	HOST_BECOME_ASKS, /* it wants a password */
	HOST_BECOME_ROOT, /* the shell of root's is there */
};
/*
 * What the outputs of one shell have shown, as far as they were read; takes
 * from @errors what precedes the password.
 */
enum host_become_sight host_become_look(struct host_become *b, struct buf *out,
					struct buf *errors);
/*
 * The answer for the time @tries that one shell asks (from 0): the password
 * that is known, else a person's. To be wiped and freed by the caller. What a
 * person takes is added to *deadline. NULL: ERR_BECOME, ERR_CANCELLED.
 */
char *host_become_answer(struct host_become *b, int tries,
			 struct mono *deadline, struct err *err);
/*
 * The error of a login that ended without a shell of root's: @said are the
 * host's words, @status that with which it ended, -1 if not known. ERR_BECOME;
 * 0 and no error when the login itself has failed, and sudo was not reached.
 */
int host_become_refused(const struct host_become *b, const char *said,
			int status, struct err *err);
/* The user id of the login; 0 before there was a shell of root's. */
uid_t host_become_login(const struct host_become *b);

#endif
