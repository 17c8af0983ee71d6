/* SPDX-License-Identifier: MIT */
/*
 * policy_constants: the numbers that more than one file computes with, each
 * with its unit and where it comes from. A number that only one file needs is
 * in that file.
 */
#ifndef ENGINE_POLICY_POLICY_CONSTANTS_H
#define ENGINE_POLICY_POLICY_CONSTANTS_H

/* --- QEMU's own ---------------------------------------------------------- */

enum {
	/* bytes; TARGET_PAGE_SIZE of x86: dirty memory is tracked by these */
	POLICY_PAGE_BYTES = 4096,
	/* ms; 2000 s, MAX_MIGRATE_DOWNTIME: the widest gate that QEMU takes */
	POLICY_WIDE_MS = 2000000,
	/* ms; the narrowest gate: QEMU before 11 takes 0 for "switch now" */
	POLICY_HOLD_MS = 1,
};
/* s; MAX_WAIT: QEMU sends for as long before it looks at what is left. */
#define POLICY_TURN_S 0.05
/*
 * s; BUFFER_DELAY: QEMU measures its bandwidth over as long, and only then
 * computes anew what fits through the gate.
 */
#define POLICY_WINDOW_S 0.1
/* Share of its time that a guest loses; CPU_THROTTLE_PCT_MAX, 99 %. */
#define POLICY_THROTTLE_MAX 0.99

/* --- assumed until it is measured ---------------------------------------- */

/* bytes/s; 1 Gbit/s of Ethernet less the headers of full TCP segments. */
#define POLICY_GIGABIT_BPS 118e6
/*
 * Of a pass in s and of a switchover in ms, besides copying: guesses for two
 * hosts near each other, which the first migrations between them correct
 * (lessons.h).
 */
#define POLICY_OVERHEAD_S 0.02
enum { POLICY_FIXED_MS = 20 };

/* --- judgement, by trial on the league's guests (league_test.c) ---------- */

/* s; a shorter pass measures buffers and round trips, not the link. */
#define POLICY_LINK_PASS_S 0.05
/* s; passes gain nothing for as long before the guest is throttled. */
enum { POLICY_PULL_S = 3 };
/* Waiting is worth it where it leaves no more than this part of the rest. */
#define POLICY_GOOD_PART 0.85
/* A pass that leaves more than this part of the one before has stopped. */
#define POLICY_FIXED_POINT 0.999
/* A pass is taken for no more than this many times as active as the curve. */
#define POLICY_ACTIVITY_MOST 4

#endif
