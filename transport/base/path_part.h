/* SPDX-License-Identifier: MIT */
/*
 * path_part: the one way for text of others to become a name in a directory.
 *
 * A UUID, a machine id or the name of a run is what a command line, a QEMU or
 * another host says it is: "../../tmp/fifo", if that is what its user wants.
 */
#ifndef TRANSPORT_BASE_PATH_PART_H
#define TRANSPORT_BASE_PATH_PART_H

#include <stdint.h>

/*
 * @text itself if it has 1 to 64 bytes, all of [0-9a-z-], and does not begin
 * with "-"; else "x-" and the hash of it. To be freed.
 */
char *path_part(const char *text);

/* FNV-1a, 64 bit: http://www.isthe.com/chongo/tech/comp/fnv/ */
uint64_t path_part_hash(const char *text);

#endif
