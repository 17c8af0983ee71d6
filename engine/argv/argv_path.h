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

/*
 * The remap that applies to @path: the longest prefix of whole components that
 * matches. NULL: none does.
 */
const struct argv_remap *argv_path_find_remap(const struct argv_remap *remaps,
					      size_t n, const char *path);
/* @path, changed by the remap that applies. To be freed. */
char *argv_path_remap(const struct argv_remap *remaps, size_t n,
		      const char *path);

#endif
