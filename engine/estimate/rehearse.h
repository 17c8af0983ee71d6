/* SPDX-License-Identifier: MIT */
/*
 * rehearse: measures how fast a running guest dirties its memory, by the
 * beginning of a migration that goes nowhere.
 *
 * Theory of operation. QEMU copies the guest into a socket pair whose other end
 * is ours, and what arrives is thrown away. Each pass gives one point of the
 * dirty curve: what was dirtied from one sync of the dirty bitmap to the next.
 * QEMU ends a pass when we have read it, so reading on or not decides how long
 * the pass is:
 *
 *	sync    copied, read fast      held: nothing is read   let go   sync
 *	 ├───────────────────────────┬─────────────────────────┬────────┤
 *
 * The guest must never stop. QEMU stops it when, right after a sync, nothing is
 * dirty, or less than fits through downtime-limit (1 ms, the least there is) at
 * the bandwidth of its last window of 100 ms or more. From 8.1 on it is made to
 * wait for the destination's leave (switchover-ack), which it never gets.
 * Elsewhere a pass may end only while
 *
 *  - that bandwidth is so low that one dirty page is more than fits: by
 *    avail-switchover-bandwidth where QEMU has it; elsewhere the last pages are
 *    read at a trickle until QEMU's own figure says so;
 *  - the guest dirties at least a page meanwhile: it is asked beforehand (page
 *    sampling), and one that is quiet is never let to the end of the first
 *    pass: we stop reading while much is left;
 *  - the next pass cannot slip through as well: at the end a step is no more
 *    than half a page, the socket between holds about one, and QEMU is looked
 *    at after each. A pass that left next to nothing is the last.
 *
 * Should it stop all the same, the migration is cancelled at once and the
 * result says for how long it was paused. If this process dies, QEMU finds its
 * socket closed and gives up, and recovery puts the settings back.
 */
#ifndef ENGINE_ESTIMATE_REHEARSE_H
#define ENGINE_ESTIMATE_REHEARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/run/run.h"

enum { REHEARSE_POINTS = 128 };

struct rehearse_point {
	double seconds, bytes; /* so much became dirty in so long */
	bool sampled;	       /* estimated by page sampling */
};

struct rehearsal {
	struct rehearse_point v[REHEARSE_POINTS];
	size_t n;
	size_t passes; /* points from passes */
	bool quiet;    /* page sampling saw (next to) nothing change */
	/*
	 * Bytes on the wire for a byte of RAM in the first pass, as far as it
	 * came: pages of zeroes take next to none. NAN: not seen.
	 */
	double wire_share;
	double paused_ms; /* the guest was; 0: never */
	const char *end;  /* why it ended before its time; NULL: it did not */
};

struct rehearse_limits {
	double seconds;	 /* in all */
	double rate_bps; /* read at most, bytes/s; 0: as is sensible */
};

void rehearsal_init(struct rehearsal *out);

/*
 * One point by page sampling over @seconds (1 … 60), of a guest whose source
 * monitor is open. Changes nothing. `quiet` is set by what it sees.
 */
int rehearse_sample(struct run *r, unsigned int seconds, struct rehearsal *out,
		    struct err *err);

/* One point more; left out when there are REHEARSE_POINTS. */
void rehearse_add(struct rehearsal *out, double seconds, double bytes,
		  bool sampled);

/*
 * Rehearses; rehearse_sample() was called before. @r is connected, discovered,
 * locked, journalled and guarded. Always undoes what it did: -1 when it could
 * not be done or was cancelled; left-overs are in the run's result.
 */
int rehearse_run(struct run *r, const struct rehearse_limits *limits,
		 struct rehearsal *out, struct err *err);

/* --- pure, for tests ----------------------------------------------------- */

/* What query-migrate said, in pages. */
struct rehearse_look {
	uint64_t sync;	  /* dirty-sync-count */
	uint64_t left;	  /* dirty and not yet taken */
	uint64_t taken;	  /* since the start */
	uint64_t zero;	  /* of those, pages of zeroes */
	uint64_t written; /* bytes, as QEMU counts */
	double mbps;	  /* of QEMU's last window */
	struct mono at;
};
/*
 * Pages that were dirty right after the sync between @before and @now, though
 * QEMU has gone on since.
 */
uint64_t rehearse_dirtied(const struct rehearse_look *before,
			  const struct rehearse_look *now);
/*
 * Bytes that QEMU is sure to write before the next sync, when @read were read
 * by us: what it has written already, and what is left if it were zeroes.
 */
uint64_t rehearse_surely_left(const struct rehearse_look *now, uint64_t read);
/*
 * Bytes that may be read before the next look, on the way down to @keep pages
 * left: whatever the pages are, it does not get (much) below, nor to the sync.
 */
uint64_t rehearse_credit(const struct rehearse_look *before,
			 const struct rehearse_look *now, uint64_t read,
			 uint64_t keep);
/* Whether one dirty page is enough to keep the guest running. */
bool rehearse_gate_is_shut(double mbps);
/*
 * The same of a window that would end now, with @least to @most bytes written
 * in @ms.
 */
bool rehearse_window_is_slow(double least, double most, double ms);
/* Seconds that pass @n (from 0, after the first) is meant to take. */
double rehearse_target_s(size_t n);

#endif
