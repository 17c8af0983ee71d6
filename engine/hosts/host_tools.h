/* SPDX-License-Identifier: MIT */
/*
 * host_tools: which programs the scripts of a destination do not find there.
 *
 * They are written for what busybox has, where that is enough; where it is not,
 * and a build of busybox leaves much out, the missing program is named before
 * anything is started.
 */
#ifndef ENGINE_HOSTS_HOST_TOOLS_H
#define ENGINE_HOSTS_HOST_TOOLS_H

#include <stdbool.h>

#include "engine/hosts/as_user.h"
#include "transport/base/clock.h"
#include "transport/base/err.h"
#include "transport/host.h"

struct host_tools {
	char *lacks;	  /* "flock stat"; "": nothing that is needed */
	bool limits_lack; /* prlimit: not all limits can be taken over */
};
/* @user: the guest's, whom root is to act as, or NULL. */
int host_tools_ask(struct host *h, const struct as_user *user,
		   struct host_tools *out, struct mono deadline,
		   struct err *err);
void host_tools_free(struct host_tools *t);

#endif
