/* SPDX-License-Identifier: MIT */
/*
 * pair: what earlier migrations from this host to one other taught.
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

enum { PAIR_KEPT = 16 };

/* 0 where a migration did not tell. */
struct pair_lesson {
	double fixed_ms;    /* of a switchover, besides copying */
	double overhead_ms; /* of a pass, the same */
	double link_bps;    /* of a tunnel that nothing held back */
};
struct pair {
	size_t n;
	struct pair_lesson v[PAIR_KEPT]; /* the newest last */
};

/*
 * What is known of the destination @machine (its machine id), kept in the state
 * directory @state; nothing (n 0) where there is no file, it says nothing, or
 * @machine is no plain name.
 */
void pair_load(struct pair *p, const char *state, const char *machine);
/*
 * Replaces the file at once, whole; its directory is made when it is missing.
 * -1: what was learnt is lost, and the old file stands.
 */
int pair_save(const struct pair *p, const char *state, const char *machine,
	      struct err *err);

/* The oldest lesson goes when there are PAIR_KEPT. */
void pair_learn(struct pair *p, const struct pair_lesson *lesson);
/* The one with the costliest switchover goes. */
void pair_forget(struct pair *p);
/*
 * What to reckon with, 0 when it is not known: for a switchover and for a pass
 * what four in five cost no more than, for the link the median.
 */
double pair_fixed_ms(const struct pair *p);
double pair_overhead_ms(const struct pair *p);
double pair_link_bps(const struct pair *p);
/*
 * What a switchover may cost: the costliest so far, and the more above that the
 * fewer there were (twice as much after one); 0: not known.
 */
double pair_worst_fixed_ms(const struct pair *p);
/* Those links that were told, as they came; how many. */
size_t pair_links_bps(const struct pair *p, double out[PAIR_KEPT]);
/* The medians of all three, for who keeps no reserve. */
struct pair_lesson pair_middle(const struct pair *p);
/* The same with @usual as one more: a single bad day is not believed alone. */
struct pair_lesson pair_likely(const struct pair *p,
			       const struct pair_lesson *usual);

/*
 * What a switchover cost besides copying: @blackout_ms without @copied_bytes
 * at @bps, and not below @least_ms, which was seen to be spent otherwise (a cap
 * on the bandwidth is lifted for the last copy, so @bps may be too little).
 */
double pair_fixed_of(double blackout_ms, double copied_bytes, double bps,
		     double least_ms);

#endif
