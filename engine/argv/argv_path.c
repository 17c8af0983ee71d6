/* SPDX-License-Identifier: MIT */
/* argv_path: paths of the source as paths of the destination. */
#include "engine/argv/argv_path.h"

#include <string.h>

#include "transport/base/buf.h"
#include "transport/base/xalloc.h"

static void add_components(struct buf *b, const char *path)
{
	while (*path) {
		size_t len = strcspn(path, "/");

		if (len && !(len == 1 && *path == '.')) {
			buf_append(b, "/", 1);
			buf_append(b, path, len);
		}
		path += len;
		path += strspn(path, "/");
	}
}

char *argv_path_absolute(const char *cwd, const char *path)
{
	struct buf b = { .base = NULL };

	if (*path != '/') {
		if (!cwd)
			return xstrdup(path);
		add_components(&b, cwd);
	}
	add_components(&b, path);
	if (!buf_len(&b) || (*path && path[strlen(path) - 1] == '/'))
		buf_append(&b, "/", 1);
	return buf_steal(&b);
}

static size_t trimmed(const char *prefix)
{
	size_t len = strlen(prefix);

	while (len && prefix[len - 1] == '/')
		len--;
	return len;
}

static int covers(const struct argv_remap *r, const char *path)
{
	size_t len = trimmed(r->old_prefix);

	return *path == '/' && !strncmp(path, r->old_prefix, len) &&
	       (path[len] == '/' || !path[len]);
}

const struct argv_remap *argv_path_find_remap(const struct argv_remap *remaps,
					      size_t n, const char *path)
{
	const struct argv_remap *best = NULL;

	for (size_t i = 0; i < n; i++) {
		if (covers(&remaps[i], path) &&
		    (!best ||
		     trimmed(best->old_prefix) < trimmed(remaps[i].old_prefix)))
			best = &remaps[i];
	}
	return best;
}

char *argv_path_remap(const struct argv_remap *remaps, size_t n,
		      const char *path)
{
	const struct argv_remap *best = argv_path_find_remap(remaps, n, path);
	const char *rest;
	size_t new_len;

	if (!best)
		return xstrdup(path);
	rest = path + trimmed(best->old_prefix);
	new_len = trimmed(best->new_prefix);
	if (!new_len && !*rest)
		return xstrdup("/");
	return xasprintf("%.*s%s", (int)new_len, best->new_prefix, rest);
}
