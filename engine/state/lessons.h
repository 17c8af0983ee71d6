/* SPDX-License-Identifier: MIT */
/*
 * lessons: what earlier migrations from this host to one other taught.
 *
 * A switchover costs something besides copying what is left: round trips, the
 * device state, the far QEMU's loading of it; and so does each pass. That, and
 * the link, differ from one pair of hosts to the next far more than from one
 * migration to the next, so it is kept (one small file a destination,
 * see state_dir.h) and the next run begins with it.
 */
#ifndef ENGINE_STATE_LESSONS_H
#define ENGINE_STATE_LESSONS_H

#include <stddef.h>

#include "transport/base/err.h"

enum { LESSONS_KEPT = 16 };

/* 0 where a migration did not show it. */
struct lesson {
	double fixed_ms;    /* of a switchover, besides copying */
	double overhead_ms; /* of a pass, the same */
	double link_bps;    /* of a tunnel that nothing held back */
};
struct lessons {
	size_t n;
	struct lesson v[LESSONS_KEPT]; /* the newest last */
};

/*
 * What is known of the destination @machine (its machine id), kept in the state
 * directory @state; nothing (n 0) where there is no file, it says nothing, or
 * @machine is no plain name.
 */
void lessons_load(struct lessons *p, const char *state, const char *machine);
/*
 * Replaces the file at once, whole; its directory is made when it is missing.
 * -1: what was learnt is lost, and the old file is kept.
 */
int lessons_save(const struct lessons *p, const char *state,
		 const char *machine, struct err *err);

/* The oldest lesson goes when there are LESSONS_KEPT. */
void lessons_learn(struct lessons *p, const struct lesson *lesson);
/* The one with the costliest switchover goes. */
void lessons_forget(struct lessons *p);
/*
 * What to expect, 0 when it is not known: for a switchover and for a pass
 * what four in five cost no more than, for the link the median.
 */
double lessons_fixed_ms(const struct lessons *p);
double lessons_overhead_ms(const struct lessons *p);
double lessons_link_bps(const struct lessons *p);
/*
 * What a switchover may cost: the costliest so far, and the more above that the
 * fewer there were (twice as much after one); 0: not known.
 */
double lessons_worst_fixed_ms(const struct lessons *p);
/* Those links that are known, as they came; how many. */
size_t lessons_links_bps(const struct lessons *p, double out[LESSONS_KEPT]);
/* The medians of all three, for who keeps no reserve. */
struct lesson lessons_middle(const struct lessons *p);
/* The same with @usual as one more: a single bad day is not believed alone. */
struct lesson lessons_likely(const struct lessons *p,
			     const struct lesson *usual);

/*
 * What a switchover cost besides copying: @blackout_ms without @copied_bytes
 * at @bps, and not below @least_ms, which was seen to be spent otherwise (a cap
 * on the bandwidth is lifted for the last copy, so @bps may be too little).
 */
double lessons_fixed_of(double blackout_ms, double copied_bytes, double bps,
			double least_ms);

#endif
