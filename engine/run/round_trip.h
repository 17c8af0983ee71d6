/* SPDX-License-Identifier: MIT */
/*
 * round_trip: counts how often the engine waits for the destination while the
 * guest is stopped.
 *
 * Theory of operation. Each wait for an answer of the destination has a begin
 * and an end, and so has the copy's own last exchange. What is waited for at
 * the same time is one round trip: a begin counts when no other one is under
 * way. The time between STOP and RESUME grows by this many round trips of the
 * network.
 */
#ifndef ENGINE_RUN_ROUND_TRIP_H
#define ENGINE_RUN_ROUND_TRIP_H

struct run;

/* At STOP: what came before is none of it. */
void round_trip_reset(struct run *r);
void round_trip_begin(struct run *r);
void round_trip_end(struct run *r);
/* After a lost connection: how many there were is not known. */
void round_trip_lose_count(struct run *r);
/* -1: not known. */
int round_trip_count(const struct run *r);

#endif
