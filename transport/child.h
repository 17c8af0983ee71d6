/* SPDX-License-Identifier: MIT */
/*
 * child: processes of our own on this machine, run from tasks.
 *
 * A child gets an empty signal mask, default signal handlers, no descriptor
 * but its three and those that are named, and the environment of the caller
 * unless asked otherwise.
 */
#ifndef TRANSPORT_CHILD_H
#define TRANSPORT_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "transport/base/buf.h"
#include "transport/base/clock.h"
#include "transport/base/err.h"

struct child;

enum child_fd {
	CHILD_FD_NULL,	  /* /dev/null */
	CHILD_FD_PIPE,	  /* a pipe, our end from child_stdin() and so on */
	CHILD_FD_SOCKET,  /* stdin and stdout: one socketpair */
	CHILD_FD_INHERIT, /* ours */
};

enum { CHILD_MORE_MAX = 4 };

struct child_spec {
	const char *file;	 /* what to run; NULL: argv[0] */
	const char *const *argv; /* argv[0] is looked up in PATH */
	char *const *env;	 /* NULL: ours */
	enum child_fd in, out, err;
	const int *more;  /* the caller's, which become 3, 4, …; at most */
	size_t n_more;	  /* CHILD_MORE_MAX of them */
	bool new_session; /* setsid: no controlling terminal, no Ctrl-C */
};

struct child *child_start(const struct child_spec *spec, struct err *err);
/* Our end of a pipe or socket, handed over: the caller closes it. -1: none. */
int child_take_stdin(struct child *c);
int child_take_stdout(struct child *c); /* for CHILD_FD_SOCKET: both ways */
int child_take_stderr(struct child *c);
/*
 * Waits for the end. *status: the exit code, or 128 + the signal. On a timeout
 * or cancel the child still runs.
 */
int child_wait(struct child *c, struct mono deadline, int *status,
	       struct err *err);
/* True once it has ended. Never waits; may be called out of tasks. */
bool child_ended(struct child *c);
pid_t child_pid(const struct child *c);
/* Readable once it has ended, for poll(2). Borrowed. */
int child_end_fd(const struct child *c);
/* SIGKILL; does not wait. */
void child_kill(struct child *c);
/* SIGTERM, then SIGKILL after @grace_ms; waits for the end. */
void child_stop(struct child *c, int grace_ms);
/* Frees what this process has of it and lets it run on. NULL is fine. */
void child_leave(struct child *c);
/* Kills (SIGKILL) and reaps what still runs; frees. NULL is fine. */
void child_free(struct child *c);

/*
 * Runs a command to its end with @input as its stdin, collecting at most
 * @max_output bytes of each output (more: ERR_REMOTE). Either output may be
 * NULL: /dev/null. -1 only when it could not be run or did not end in time (it
 * is killed then); its own failure is *status.
 */
int child_run(const char *const *argv, const void *input, size_t input_len,
	      size_t max_output, struct mono deadline, int *status,
	      struct buf *out, struct buf *errout, struct err *err);
/* The same with @spec, whose streams are pipes where they are wanted. */
int child_run_spec(const struct child_spec *spec, const void *input,
		   size_t input_len, size_t max_output, struct mono deadline,
		   int *status, struct buf *out, struct buf *errout,
		   struct err *err);

#endif
