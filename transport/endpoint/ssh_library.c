/* SPDX-License-Identifier: MIT */
/* ssh_library: the libssh2 that this process runs with. */
#include "transport/endpoint/ssh_library.h"

#include <libssh2.h>
#include <stdio.h>

#include "transport/base/xalloc.h"

/* Up to which version, in the order in which one outdoes the other. */
static const struct {
	int major, minor, patch;
	const char *faults;
} known[] = {
	{ 1, 10, 0,
	  "it ends its process, and the connection with it, when one bit of a "
	  "packet's length is flipped on the way, and a hostile server can "
	  "make it write and read beyond its "
	  "memory" },
	{ 1, 11, 1,
	  "a hostile server can make it write and read beyond its memory" },
};

const char *ssh_library_version(void)
{
	return libssh2_version(0);
}

const char *ssh_library_faults(const char *version)
{
	int major = 0, minor = 0, patch = 0;
	long number, limit;

	if (sscanf(version, "%d.%d.%d", &major, &minor, &patch) < 2)
		return NULL;
	number = major * 1000000L + minor * 1000L + patch;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		limit = known[i].major * 1000000L + known[i].minor * 1000L +
			known[i].patch;
		if (number <= limit)
			return known[i].faults;
	}
	return NULL;
}
