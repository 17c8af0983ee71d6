/* SPDX-License-Identifier: MIT */
/*
 * proc_stat: what we need of a line of /proc/PID/stat.
 */
#ifndef ENGINE_HOSTS_PROC_STAT_H
#define ENGINE_HOSTS_PROC_STAT_H

#include <stdint.h>

struct proc_stat {
	char state;	    /* 'R', 'S', 'Z', … */
	int parent;	    /* its pid */
	uint64_t cpu_ticks; /* used, in clock ticks */
	long threads;
	uint64_t start_ticks; /* since boot, in clock ticks */
};

/* -1 when it is no such line. The command may hold blanks and parentheses. */
int proc_stat_read(const char *line, struct proc_stat *out);

#endif
