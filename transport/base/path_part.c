/* SPDX-License-Identifier: MIT */
/* path_part: the one way for text of others to become a name in a directory. */
#include "transport/base/path_part.h"

#include <string.h>

#include "transport/base/xalloc.h"

enum { LONGEST = 64 };

uint64_t path_part_hash(const char *text)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 0x100000001b3u;
	return h;
}

char *path_part(const char *text)
{
	size_t plain = strspn(text, "0123456789abcdefghijklmnopqrstuvwxyz-");

	if (plain && !text[plain] && plain <= LONGEST && text[0] != '-')
		return xstrdup(text);
	return xasprintf("x-%016llx", (unsigned long long)path_part_hash(text));
}
