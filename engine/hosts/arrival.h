/* SPDX-License-Identifier: MIT */
/*
 * arrival: the mark that a run under way leaves on the destination, where its
 * journal is not: a file beside the lock on the destination.
 *
 * A visitor of that host (a person, `recover`, a script that starts guests)
 * sees from it that a guest is being moved there, and from where it is driven.
 * Until that run has finished the guest is nobody else's to move.
 */
#ifndef ENGINE_HOSTS_ARRIVAL_H
#define ENGINE_HOSTS_ARRIVAL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "transport/host.h"

/* The mark's text, to be freed. */
char *arrival_marker(const char *run, const char *guest, const char *source);

/* Strings are owned. */
struct arrival {
	char *run, *guest;
	char *source; /* the host whose vmferry drives it */
};
struct arrivals {
	struct arrival *v;
	size_t n;
};

/* What is marked in @directories of this machine, a pattern of glob(7). */
void arrivals_read(const char *directories, struct arrivals *out);
void arrivals_free(struct arrivals *a);

/* A guest on a host, as a process there. */
struct arrival_guest {
	pid_t pid;
	uint64_t start_ticks;
	const char *run_dir; /* where its QEMU says it is; NULL: none */
	const char *key;     /* by which others may have marked it; or NULL */
};
/*
 * Whether a run that has not finished brings @g to @h, where this login's run
 * root is @root. 1: *out is its mark (texts are "" where another user's cannot
 * be read) and *dir, to be freed, is the directory with it; 0: no; -1: @err.
 */
int arrival_of(struct host *h, const char *root, const struct arrival_guest *g,
	       struct arrival *out, char **dir, struct mono deadline,
	       struct err *err);
void arrival_free(struct arrival *a);

#endif
