/* SPDX-License-Identifier: MIT */
/*
 * discover_owner: who started a guest and who else manages it, judged by its
 * command line and control group.
 */
#ifndef ENGINE_GUEST_DISCOVER_OWNER_H
#define ENGINE_GUEST_DISCOVER_OWNER_H

#include "engine/guest/guest.h"

/*
 * Fills unit, manager and started_by of @g from its argv and cgroup. @parent:
 * the command line of the parent process, empty if unknown. @group: the lines
 * of /proc/PID/cgroup joined by newlines; its v2 path is kept in g->cgroup.
 */
void discover_owner(struct guest *g, const char *group,
		    const struct strv *parent);

#endif
