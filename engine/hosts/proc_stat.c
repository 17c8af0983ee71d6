/* SPDX-License-Identifier: MIT */
/* proc_stat: what we need of a line of /proc/PID/stat. */
#include "engine/hosts/proc_stat.h"

#include <stdlib.h>
#include <string.h>

/* Behind @n more fields; "" if there are fewer. */
static const char *skip_fields(const char *p, int n)
{
	while (n--) {
		p += strspn(p, " ");
		p += strcspn(p, " ");
	}
	return p + strspn(p, " ");
}

/*
 * Fields 3 (state), 4 (parent), 14 and 15 (user and system time), 20 (threads)
 * and 22 (start time).
 */
int proc_stat_read(const char *line, struct proc_stat *out)
{
	const char *behind = strrchr(line, ')');
	const char *state = behind ? skip_fields(behind + 1, 0) : "";
	const char *start = skip_fields(state, 22 - 3);
	char *end;

	out->state = *state;
	out->parent = (int)strtol(skip_fields(state, 4 - 3), NULL, 10);
	out->cpu_ticks = strtoull(skip_fields(state, 14 - 3), NULL, 10) +
			 strtoull(skip_fields(state, 15 - 3), NULL, 10);
	out->threads = strtol(skip_fields(state, 20 - 3), NULL, 10);
	out->start_ticks = strtoull(start, &end, 10);
	return end == start ? -1 : 0;
}
