/* SPDX-License-Identifier: MIT */
/* recording_file: the names of the files that hold recordings. */
#include "engine/state/recording_file.h"

#include <string.h>

#include "transport/base/xalloc.h"

static const char suffix[] = ".jsonl";

char *recording_file_name(const char *run)
{
	return xasprintf("%s%s", run, suffix);
}

char *recording_file_run(const char *name)
{
	return xstrndup(name, strlen(name) - strlen(suffix));
}

bool recording_file_is_name(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && dot != name && *name != '.' && !strcmp(dot, suffix);
}
