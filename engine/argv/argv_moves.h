/* SPDX-License-Identifier: MIT */
/*
 * argv_moves: sockets and pid files of a moved guest, by the paths that its
 * command line has now and the paths that users know.
 *
 * The list travels with QEMU as text, in its environment.
 */
#ifndef ENGINE_ARGV_ARGV_MOVES_H
#define ENGINE_ARGV_ARGV_MOVES_H

#include <stddef.h>

#include "transport/base/err.h"

/* Environment of a QEMU that vmferry started. */
#define ARGV_ENV_RUN_DIR "VMFERRY_RUN_DIR"
/* What argv_encode_moves() writes. */
#define ARGV_ENV_SOCKETS "VMFERRY_SOCKETS"

/* A socket or pid file of a moved guest. */
struct socket_move {
	char *now;    /* as in the present argv: inside the run directory */
	char *public; /* where users know it */
	char *id;     /* which file it is, if its owner knows; else NULL */
};
struct socket_moves {
	struct socket_move *v;
	size_t n;
};
void socket_moves_add(struct socket_moves *m, const char *now,
		      const char *public);
const char *socket_moves_public(const struct socket_moves *m,
				const char *now); /* NULL: not moved */
void socket_moves_free(struct socket_moves *m);

/* Lines "now\tpublic"; backslash escapes for tab, newline and backslash. */
char *argv_encode_moves(const struct socket_moves *m); /* to be freed */
/* ERR_PROTOCOL, and @m empty, unless every line can be read. */
int argv_decode_moves(const char *text, struct socket_moves *m,
		      struct err *err);

#endif
