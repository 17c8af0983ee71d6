/* SPDX-License-Identifier: MIT */
/*
 * argv_secret: the secrets in one option.
 */
#ifndef ENGINE_ARGV_ARGV_SECRET_H
#define ENGINE_ARGV_ARGV_SECRET_H

#include "engine/argv/argv_item.h"

/*
 * The value of @it with "***" for passwords, secret data and the like; to be
 * freed. NULL if it has none.
 */
char *argv_secret_blank(const struct argv_item *it);
/*
 * Takes the secrets of @it out of *@text, somebody's words about it. One that
 * is a whole word there is found from 4 bytes on.
 */
void argv_secret_hide(char **text, const struct argv_item *it);
/* A disk's name or address without the password in it, to be freed. */
char *argv_secret_blank_name(const char *name);

#endif
