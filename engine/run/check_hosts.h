/* SPDX-License-Identifier: MIT */
/*
 * check_hosts: where a guest could go: one preflight a destination, side by
 * side.
 */
#ifndef ENGINE_RUN_CHECK_HOSTS_H
#define ENGINE_RUN_CHECK_HOSTS_H

#include <stddef.h>

#include "engine/event/check.h"
#include "engine/event/event.h"
#include "engine/event/result.h"
#include "engine/run/migrate_options.h"

/* A destination has this long to let us in; the others do not wait longer. */
enum { CHECK_HOSTS_CONNECT_MS = 5000 };

struct check_host {
	const char *destination;
	event_sink *sink;
	void *sink_arg;
	struct checks *list;   /* empty before */
	struct result *result; /* result_init()ed before */
};

/*
 * migrate_check() of @opt for each of the @n destinations in @v, in place of
 * its own destination and sink, all at the same time. Releases nothing of @v.
 * From a task; when it is cancelled, so are all that have not ended.
 */
void check_hosts_run(const struct migrate_options *opt,
		     const struct check_host *v, size_t n);

/*
 * Which of the results in @v says most of whether the guest could go anywhere:
 * one that is ready, else one that was refused by checks, else one of a host
 * out of reach; the first of these. What cannot be asked at all (a wrong word,
 * a cancel) comes before all.
 */
size_t check_hosts_best(const struct check_host *v, size_t n);

#endif
