/* SPDX-License-Identifier: MIT */
/*
 * argv_moves: sockets and pid files of a moved guest, by the paths that its
 * command line has now and the paths that users know.
 *
 * The list travels with QEMU as text, in its environment.
 */
#ifndef ENGINE_ARGV_ARGV_MOVES_H
#define ENGINE_ARGV_ARGV_MOVES_H

#include <stdbool.h>
#include <stddef.h>

#include "transport/base/err.h"

/* Environment of a QEMU that vmferry started. */
#define ARGV_ENV_RUN_DIR "VMFERRY_RUN_DIR"
/* What argv_moves_encode() writes. */
#define ARGV_ENV_SOCKETS "VMFERRY_SOCKETS"
/* By which the run that brings it marks it on the host. */
#define ARGV_ENV_KEY "VMFERRY_KEY"

/* A socket or pid file of a moved guest. */
struct argv_move {
	char *now;    /* as in the present argv: inside the run directory */
	char *public; /* where users know it */
	char *id;     /* which file it is, if its owner knows; else NULL */
};
struct argv_moves {
	struct argv_move *v;
	size_t n;
};
/* The name in the run directory that a pid file has. */
#define ARGV_MOVE_PIDFILE "pid"
bool argv_moves_is_pidfile(const struct argv_move *m);
/* The same of QEMU's log (-D): a pipe from which the public file is written. */
#define ARGV_MOVE_LOG "log"
bool argv_moves_is_log(const struct argv_move *m);
/* The public name of the log, or NULL. */
const char *argv_moves_log(const struct argv_moves *m);
void argv_moves_add(struct argv_moves *m, const char *now, const char *public);
const char *argv_moves_public(const struct argv_moves *m,
			      const char *now); /* NULL: not moved */
void argv_moves_free(struct argv_moves *m);

/* Lines "now\tpublic"; backslash escapes for tab, newline and backslash. */
char *argv_moves_encode(const struct argv_moves *m); /* to be freed */
/* ERR_PROTOCOL, and @m empty, unless every line can be read. */
int argv_moves_decode(const char *text, struct argv_moves *m, struct err *err);

#endif
