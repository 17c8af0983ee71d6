/* SPDX-License-Identifier: MIT */
/*
 * learn: what earlier migrations between the two hosts of a run have taught,
 * and what this one adds (lessons.h).
 */
#ifndef ENGINE_RUN_LEARN_H
#define ENGINE_RUN_LEARN_H

#include "engine/state/lessons.h"

struct run;

/* Reads it into the run, once the destination is known. */
void learn_recall(struct run *r);
/*
 * Keeps @lesson of the two hosts, or, with NULL, forgets the costliest: what
 * was learnt there has turned a migration back that may be a good one.
 */
void learn_keep(struct run *r, const struct lesson *lesson);
/* Of a switchover between these two hosts, as seen before; 0: never. */
double learn_likely_fixed_ms(const struct run *r);

#endif
