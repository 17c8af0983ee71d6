/* SPDX-License-Identifier: MIT */
/* preflight_add: how the files of checks add to the list. */
#ifndef ENGINE_RUN_PREFLIGHT_ADD_H
#define ENGINE_RUN_PREFLIGHT_ADD_H

#include "engine/run/preflight.h"
#include "transport/host.h"

/* The list owns @found and @remedy. */
#define ADD(p, name, side, verdict, found, remedy)                       \
	checks_add(&(p)->r->checks, name, CHECK_##side, CHECK_##verdict, \
		   found, remedy)

static inline const char *dst_name(const struct preflight *p)
{
	return host_name(p->r->dst.host);
}

#endif
