/* SPDX-License-Identifier: MIT */
/*
 * synthetic_guest: guests of known behaviour for the simulator: how fast they
 * write, into how much, in which order and in which phases.
 */
#ifndef TESTS_UNIT_SYNTHETIC_GUEST_H
#define TESTS_UNIT_SYNTHETIC_GUEST_H

#include "engine/policy/simulate.h"

enum synthetic_pattern {
	SYNTHETIC_LINEAR,  /* around and around */
	SYNTHETIC_UNIFORM, /* at random */
	SYNTHETIC_HOTCOLD, /* 9 in 10 at random in the first tenth */
};

struct synthetic_guest {
	double rate_bps, working_set_bytes;
	enum synthetic_pattern pattern;
	double busy_s, idle_s; /* 0 idle: always busy */
	double phase_s;	       /* into the busy phase at the start */
	double noise;	       /* σ of ln D from pass to pass */
};

/* A simulate_guest's. */
double synthetic_dirtied(const void *arg, double from_s, double to_s,
			 double throttle);
/* @g as the simulator takes it; borrows @g. */
struct simulate_guest synthetic_guest(const struct synthetic_guest *g,
				      double ram_bytes);

#endif
