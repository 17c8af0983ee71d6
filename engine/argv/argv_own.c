/* SPDX-License-Identifier: MIT */
/* argv_own: what vmferry itself put into a command line. */
#include "engine/argv/argv_own.h"

#include <string.h>

#include "engine/argv/argv.h"
#include "engine/argv/argv_opt.h"
#include "transport/base/xalloc.h"

bool argv_own_id(const char *id)
{
	size_t len = strlen(ARGV_MONITOR_ID);

	return id && !strncmp(id, ARGV_MONITOR_ID, len) && id[len] >= '0' &&
	       id[len] <= '9' && !id[len + 1];
}

bool argv_own_file(const char *id)
{
	return id && !strncmp(id, ARGV_FILE_ID, strlen(ARGV_FILE_ID));
}

const char *argv_own_hand(const char *opaque)
{
	size_t len = strlen(ARGV_HAND_OPAQUE);

	return opaque && !strncmp(opaque, ARGV_HAND_OPAQUE, len) && opaque[len]
		       ? opaque + len
		       : NULL;
}

/* The number in "/dev/fdset/N", or in that behind a protocol; or NULL. */
static const char *set_in(const char *name)
{
	static const char prefix[] = "/dev/fdset/";
	const char *path = strchr(name, '/');

	if (!path || strncmp(path, prefix, strlen(prefix)) != 0 ||
	    (path != name && path[-1] != ':'))
		return NULL;
	return path + strlen(prefix);
}

char *argv_own_handed(const struct argv_items *argv, const char *name)
{
	const char *set = set_in(name);

	for (size_t i = 0; set && i < argv->n; i++) {
		AUTO_OPT struct argv_opt o = { .v = NULL };
		const char *was;

		if (!argv_item_opt(&argv->v[i], "add-fd", &o) ||
		    !argv_opt_is(&o, "set", set))
			continue;
		was = argv_own_hand(argv_opt_get(&o, "opaque"));
		if (was)
			return xstrdup(was);
	}
	return NULL;
}
