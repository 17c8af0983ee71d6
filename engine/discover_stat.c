/* SPDX-License-Identifier: MIT */
/* discover_stat: what we need of a line of /proc/PID/stat. */
#include "engine/discover_stat.h"

#include <stdio.h>
#include <string.h>

int discover_stat_read(const char *line, struct discover_stat *out)
{
	const char *behind = strrchr(line, ')');
	unsigned long long start;

	/* Fields 3 (state), 4 (parent), 20 (threads) and 22 (start time). */
	if (!behind ||
	    sscanf(behind + 1,
		   " %c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
		   "%*s %*s %*s %ld %*s %llu",
		   &out->state, &out->parent, &out->threads, &start) != 4)
		return -1;
	out->start_ticks = start;
	return 0;
}
