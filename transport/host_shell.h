/* SPDX-License-Identifier: MIT */
/*
 * host_shell: a shell on a host that stays and runs one command after another.
 *
 * Theory of operation. A login may cost seconds (what its shell reads first)
 * and may print whatever it likes. So it is paid once: one command line starts
 * host_shell_loop.sh, by whatever login shell the user has, and all commands of
 * ours go through its three streams. First it gets a line with a word, MARK,
 * that nobody else can know; for each command two numbers in a line, the length
 * of the command and that of its input, then these bytes. Behind what the
 * command prints it puts
 *
 *	\nMARK STATUS\n
 *
 * on both outputs. It does so once before the first command: all that comes
 * before is the login's, and is shown only if no MARK follows it.
 *
 * A command that was given up leaves a shell of which nobody knows what it
 * prints next; it is closed. All calls are for tasks only.
 */
#ifndef TRANSPORT_HOST_SHELL_H
#define TRANSPORT_HOST_SHELL_H

#include <stdbool.h>
#include <stddef.h>

#include "transport/base/clock.h"
#include "transport/base/err.h"
#include "transport/host.h"

/* How a back end runs a command line in the login shell of the host's user. */
struct host_shell_ops {
	/*
	 * Starts @line. Returns its handle, and its stdin, stdout and stderr,
	 * which the caller owns. ERR_REMOTE: the host refuses to start one
	 * more.
	 */
	void *(*start)(void *back_end, const char *line, int fds[3],
		       struct mono deadline, struct err *err);
	/*
	 * Its outputs have ended. 0 with *status (-1: unknown); -1 when that is
	 * because the connection was lost (ERR_NETWORK), or the host had
	 * refused to start it (ERR_REMOTE).
	 */
	int (*await_end)(void *started, struct mono deadline, int *status,
			 struct err *err);
	/* Ends it, or leaves it to the host to do so, and frees. */
	void (*stop)(void *started);
};

struct host_become;
struct host_shell;

/*
 * Logs in and waits for the shell. @host is for messages and is copied.
 * @become: makes it root's; NULL: it is the login user's. What a person takes
 * to answer is no part of @deadline. ERR_AUTH, with the words of the host, when
 * no shell begins: the login shell is none, or a forced command takes its
 * place. ERR_BECOME when sudo refuses.
 */
struct host_shell *host_shell_open(const struct host_shell_ops *ops,
				   void *back_end, const char *host,
				   struct host_become *become,
				   struct mono deadline, struct err *err);
/* NULL is fine. */
void host_shell_close(struct host_shell *s);

/*
 * As host_run(). After a failure host_shell_is_usable() is false.
 */
int host_shell_run(struct host_shell *s, const struct host_command *cmd,
		   struct host_result *result, struct err *err);
/*
 * It waits for a command. Looks whether it has ended since the last one; never
 * waits.
 */
bool host_shell_is_usable(struct host_shell *s);

/*
 * The error of a login without a shell: @words are the host's, "" for none;
 * @status, with which it ended, -1 if that is not known.
 */
int host_shell_refused(const char *host, const char *words, int status,
		       struct err *err);

#endif
