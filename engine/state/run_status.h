/* SPDX-License-Identifier: MIT */
/*
 * run_status: what is true of the runs that recordings are of: how far each
 * is, how it ended, whether recovery has to do with it, and whether a later run
 * of its guest makes it old news. Asks neither QEMU nor any host.
 */
#ifndef ENGINE_STATE_RUN_STATUS_H
#define ENGINE_STATE_RUN_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/state/recording_read.h"

/* Texts are borrowed from the recording; NULL and NAN: not known. */
struct run_status {
	const struct recording_view *v;
	const char *guest, *source, *destination;
	const char *phase, *outcome, *owner, *why;
	const char *started_again; /* the source, after the guest had left */
	double pass, left_bytes, total_bytes, bandwidth_bps;
	/* from now on; NAN: never at this rate, or not known */
	double eta_p50_s, eta_p90_s;
	bool forecast;	 /* a pass has said what to expect */
	bool recovered;	 /* a recovery has reported the end */
	bool unfinished; /* a recovery has something to do yet */
	bool overtaken;	 /* a later run of the guest was begun */
};

/*
 * One for each of @list, which was read from the state directory @state and is
 * borrowed; to be freed. @now_s is the wall clock.
 */
struct run_status *run_status_all(const char *state,
				  const struct recordings *list, double now_s);
/* Whether it is under way or unfinished. */
bool run_status_is_open(const struct run_status *s);
/*
 * Whether a report shows the run @i of the @n in @all, when it is about @word
 * (a guest or a run, NULL: all). A run is passed over for a newer one of its
 * guest, unless it is open; a run that was refused meanwhile is not newer then.
 */
bool run_status_is_shown(const struct run_status *all, size_t n, size_t i,
			 const char *word);

#endif
