/* SPDX-License-Identifier: MIT */
/*
 * argv_secret: command lines as people may see them.
 */
#ifndef ENGINE_ARGV_ARGV_SECRET_H
#define ENGINE_ARGV_ARGV_SECRET_H

#include "engine/argv/argv_item.h"

/*
 * The value of @it with "***" for passwords, secret data and the like; to be
 * freed. NULL if it has none.
 */
char *argv_secret_blank(const struct argv_item *it);

#endif
