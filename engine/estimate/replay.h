/* SPDX-License-Identifier: MIT */
/*
 * replay: a recorded run as a guest and a link that any policy can be tried on.
 *
 * Theory of operation. From the passes of the stream of events (event.h) the
 * same curve and link are learnt that the run itself learnt. Where and when the
 * guest was more or less active than the curve is seen from each pass: its
 * activity a is how much faster than usual the guest's clock went, so that the
 * curve gives what was seen, D(a t) = dirtied; what the curve cannot give at
 * all is a factor besides. Another policy sees the guest as it was at each
 * moment of the record; behind its end the guest goes on in the period that was
 * found in it (period.h), or else as the curve says.
 */
#ifndef ENGINE_ESTIMATE_REPLAY_H
#define ENGINE_ESTIMATE_REPLAY_H

#include "engine/policy/history.h"
#include "engine/policy/period.h"
#include "engine/policy/simulate.h"
#include "transport/base/err.h"

/* Seconds since `migrate`. */
struct replay_span {
	double from_s, to_s;
	double activity, factor;
};

/* What was recorded. Strings are owned; unknown numbers are NAN. */
struct replay {
	char *run, *guest, *policy;
	double budget_ms, deadline_s; /* 0: none */
	bool switched;
	double blackout_ms;
	double seconds; /* until the guest ran again, or it was given up */
	double ram_bytes, first_bytes;
	struct history history; /* its passes, and what they teach */

	/* what it comes to */
	struct simulate_link link;
	struct replay_span *spans;
	size_t n_spans;
	struct period period;
};

/*
 * Reads a record: JSON lines, other kinds of events and unknown members are
 * passed over. 0; or -1 with ERR_SYSTEM, or ERR_PROTOCOL that names the line,
 * or says that there is no pass to learn from. Release with replay_free() in
 * either case.
 */
int replay_read(const char *path, struct replay *out, struct err *err);
/* The same from memory; @path is for messages. */
int replay_parse(const char *text, size_t len, const char *path,
		 struct replay *out, struct err *err);
void replay_free(struct replay *r);

/* The guest as the simulator takes it; borrows @r. */
struct simulate_guest replay_guest(const struct replay *r);
/* What the owner wanted then; throttling is not allowed. */
struct policy_facts replay_facts(const struct replay *r);
/* How long a simulation is worth following: the deadline and some more. */
double replay_limit_s(const struct replay *r, const struct policy_facts *f);

#endif
