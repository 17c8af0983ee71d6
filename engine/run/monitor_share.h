/* SPDX-License-Identifier: MIT */
/*
 * monitor_share: one session with the source's monitor for several runs.
 *
 * A monitor serves one client at a time, and its second one looks like a
 * stranger's. Runs of one guest that are made side by side by one caller, and
 * change nothing, use the session of the first of them that gets there; what
 * kept that one from it keeps the others from it. Only for tasks of one loop.
 */
#ifndef ENGINE_RUN_MONITOR_SHARE_H
#define ENGINE_RUN_MONITOR_SHARE_H

#include <stdbool.h>
#include <sys/types.h>

#include "transport/base/err.h"
#include "transport/base/task.h"

struct qmp;
struct run;

/* Zeroed to begin with; it outlives the runs. */
struct monitor_share {
	struct task_lock lock;
	bool asked;	 /* by the first: what follows is what came of it */
	pid_t pid;	 /* of the guest */
	struct qmp *qmp; /* NULL: none */
	char *path;
	struct err failure;
};

/*
 * connect_open_source(), by the share of @r's options where it has one. A guest
 * that another process is by now gets a session of its own.
 */
int monitor_share_open(struct run *r, struct err *err);
/* Once all runs are closed. */
void monitor_share_close(struct monitor_share *s);

#endif
