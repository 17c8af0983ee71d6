/* SPDX-License-Identifier: MIT */
/*
 * argv_path: paths of the source as paths of the destination; pure.
 */
#ifndef ENGINE_ARGV_ARGV_PATH_H
#define ENGINE_ARGV_ARGV_PATH_H

#include <stddef.h>

#include "engine/argv/argv.h"

/*
 * @path made absolute by @cwd (NULL: left as it is), without "./" and doubled
 * slashes. ".." stays: it may lead through a symbolic link. To be freed.
 */
char *argv_path_absolute(const char *cwd, const char *path);

/* The longest prefix of whole components that matches wins. To be freed. */
char *argv_path_remap(const struct argv_remap *remaps, size_t n,
		      const char *path);

#endif
