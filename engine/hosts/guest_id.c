/* SPDX-License-Identifier: MIT */
/* guest_id: which guest is meant, where several are called alike. */
#include "engine/hosts/guest_id.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "transport/base/path_part.h"
#include "transport/base/xalloc.h"

enum { UUID_BYTES = 36 };

bool guest_id_has_uuid(const char *uuid)
{
	return uuid && strspn(uuid, "0-") < strlen(uuid);
}

static bool is_named(const char *name, const char *word)
{
	return name && *name && !strcmp(name, word);
}

static bool has_that_uuid(const struct guest_id *g, const char *uuid)
{
	return guest_id_has_uuid(g->uuid) && !strcasecmp(g->uuid, uuid);
}

bool guest_id_same(const struct guest_id *a, const struct guest_id *b)
{
	if (a->uid != b->uid)
		return false;
	if (guest_id_has_uuid(a->uuid) || guest_id_has_uuid(b->uuid))
		return a->uuid && b->uuid && !strcasecmp(a->uuid, b->uuid);
	return b->name && is_named(a->name, b->name);
}

static bool is_called(const struct guest_id *g, const char *word)
{
	return is_named(g->name, word) || has_that_uuid(g, word);
}

static bool is_user(const struct guest_id *g, const char *user, size_t len)
{
	char number[16];
	int n = snprintf(number, sizeof(number), "%u", (unsigned int)g->uid);

	if (len == (size_t)n && !strncmp(user, number, len))
		return true;
	return g->user && len == strlen(g->user) &&
	       !strncmp(user, g->user, len);
}

enum guest_meant guest_id_meant(const struct guest_id *g, const char *word,
				uid_t asker)
{
	const char *slash = strchr(word, '/');

	if (slash && is_user(g, word, (size_t)(slash - word)) &&
	    is_called(g, slash + 1))
		return GUEST_MEANT;
	if (!is_called(g, word))
		return GUEST_NOT_MEANT;
	if (g->uid == asker)
		return GUEST_MEANT;
	/* a guest that is called like the other form of another's name */
	return slash ? GUEST_NOT_MEANT : GUEST_MEANT_MAYBE;
}

char *guest_id_key(const char *text, uid_t uid, uid_t login)
{
	AUTO_FREE char *part = NULL;

	if (uid == login)
		return path_part(text);
	part = path_part(text);
	/* with the user it must not be hashed again, which joins users */
	if (strlen(part) > UUID_BYTES)
		return xasprintf("x-%016llx-u%u",
				 (unsigned long long)path_part_hash(part),
				 (unsigned int)uid);
	return xasprintf("%s-u%u", part, (unsigned int)uid);
}

char *guest_id_early_key(const char *key, uid_t uid)
{
	AUTO_FREE char *end = xasprintf("-u%u", (unsigned int)uid);
	size_t len = strlen(key), n = strlen(end);

	if (len <= n || strcmp(key + len - n, end) != 0)
		return xstrdup(key);
	return xstrndup(key, len - n);
}
