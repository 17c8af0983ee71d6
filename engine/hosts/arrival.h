/* SPDX-License-Identifier: MIT */
/*
 * arrival: the mark that a run under way leaves on the destination, where its
 * journal is not: a file beside the lock on the destination.
 *
 * A visitor of that host (a person, `recover`, a script that starts guests)
 * sees from it that a guest is being moved there, and from where it is driven.
 */
#ifndef ENGINE_HOSTS_ARRIVAL_H
#define ENGINE_HOSTS_ARRIVAL_H

#include <stddef.h>

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

#endif
