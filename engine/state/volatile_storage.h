/* SPDX-License-Identifier: MIT */
/*
 * volatile_storage: whether a directory is on storage that a power cut empties.
 */
#ifndef ENGINE_STATE_VOLATILE_STORAGE_H
#define ENGINE_STATE_VOLATILE_STORAGE_H

/*
 * What @path, or the part of it that exists, is on: "tmpfs", "ramfs", or an
 * overlay of which the writable layer is on one of these; NULL for anything
 * else, also where that layer cannot be seen (in a container).
 */
const char *volatile_storage(const char *path);

/* --- pure, for tests ------------------------------------------------------ */

/*
 * The directory of an overlay's writable layer: of the mount in @mountinfo (the
 * text of /proc/self/mountinfo) with the device @dev, "MAJOR:MINOR". To be
 * freed; NULL if there is none.
 */
char *volatile_storage_upper(const char *mountinfo, const char *dev);

#endif
