/* SPDX-License-Identifier: MIT */
/*
 * socket_names: the names that users know a guest's sockets by (and its pid
 * file), given on the destination and taken from the source once it has moved.
 *
 * What comes out is a piece of shell for a user who may change these names.
 * Either may come late, from a recovery, when the guest is back or another uses
 * the same names: a name is taken only from the file that had it when the run
 * began.
 */
#ifndef ENGINE_RUN_SOCKET_NAMES_H
#define ENGINE_RUN_SOCKET_NAMES_H

#include "engine/guest/guest.h"
#include "transport/base/buf.h"

/*
 * Notes in @m which files of this machine have the names. A file's name may
 * change then, as long as it stays in its file system.
 */
void socket_names_mark(struct argv_moves *m);

/*
 * Appends, for the login, after name_use_begin(): which names are in use by
 * now, for what socket_names_give() appends.
 */
void socket_names_look(struct buf *script, const struct argv_moves *m);
/* Appends: files get their public names, as far as they exist. */
void socket_names_give(struct buf *words, const struct argv_moves *m);
/*
 * Appends: public names go from the files that socket_names_mark() saw, and
 * from links to where these were; any other owner keeps it. What cannot
 * be removed stays.
 */
void socket_names_take(struct buf *words, const struct argv_moves *m);

#endif
