/* SPDX-License-Identifier: MIT */
/*
 * host_target: the user's word for a machine, taken apart.
 */
#ifndef TRANSPORT_HOST_TARGET_H
#define TRANSPORT_HOST_TARGET_H

#include <stdbool.h>

#include "transport/base/err.h"

/* A parsed target of host_open(). Strings are owned. */
struct host_target {
	char *user; /* NULL: not given */
	char *host;
	char *port; /* NULL: not given */
	bool local;
};
int host_target_parse(struct host_target *t, const char *target,
		      struct err *err);
void host_target_free(struct host_target *t);
/*
 * @target as words for ssh(1) ("-p 2222 root@hostb"), for a person to copy; to
 * be freed.
 */
char *host_target_words(const char *target);

#endif
