/* SPDX-License-Identifier: MIT */
/*
 * moved_mark: the file of a mark (moved.h): its text, written and read.
 */
#ifndef ENGINE_STATE_MOVED_MARK_H
#define ENGINE_STATE_MOVED_MARK_H

#include "engine/state/moved.h"

/* All of @m, to be freed; and what others may read of it. */
char *moved_mark_text(const struct moved *m);
char *moved_mark_public_text(const struct moved *m);
/* The key of the name of @m, "" for none; to be freed. */
char *moved_mark_key(const struct moved *m);
/*
 * What @text, behind MOVED_FIRST_LINE or with it, says. @owner is whose file it
 * is; marks of earlier versions name no user, and mean that one.
 */
struct moved moved_mark_parse(const char *text, uid_t owner);

/*
 * Reads the file @name in the directory @dir (or AT_FDCWD), which messages call
 * @path: a regular file, no link, of which no more than 16 KiB count. *owner is
 * whose it is, whom the caller trusts or not. ERR_PROTOCOL for what is no mark,
 * ERR_SYSTEM.
 */
int moved_mark_read(int dir, const char *name, const char *path,
		    struct moved *out, uid_t *owner, struct err *err);

#endif
