/* SPDX-License-Identifier: MIT */
/* argv_own: what vmferry itself put into a command line. */
#include "engine/argv/argv_own.h"

#include <string.h>

#include "engine/argv/argv.h"

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
