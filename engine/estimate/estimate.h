/* SPDX-License-Identifier: MIT */
/*
 * estimate: what a migration of a guest would be like, before anything moves.
 *
 * Measures how fast the guest dirties its memory (rehearse.h), how little of
 * its pages it changes (page_sample.h) and how fast the link is (link_probe.h),
 * reads what earlier migrations to the destination taught (lessons.h), and has
 * every combination of bandwidth and budget forecast (forecast.h).
 */
#ifndef ENGINE_ESTIMATE_ESTIMATE_H
#define ENGINE_ESTIMATE_ESTIMATE_H

#include "engine/policy/curve.h"
#include "engine/policy/forecast.h"
#include "engine/run/migrate_options.h"
#include "engine/state/lessons.h"
#include "engine/estimate/rehearse.h"
#include "engine/policy/xbzrle.h"

enum { ESTIMATE_RATES = 6, ESTIMATE_BUDGETS = 5, ESTIMATE_TIMES = 7 };

/* Everything is borrowed. */
struct estimate_options {
	/*
	 * guest, ssh, max_blackout_ms, deadline_s, bandwidth_bps (a cap where
	 * the link is measured, else the link), state_dir, guardian, sink.
	 * destination NULL: no link is measured.
	 */
	struct migrate_options migrate;
	double seconds; /* of rehearsal; 0: 10 */
	bool quick;	/* page sampling only: nothing is set in QEMU */
};

enum estimate_link {
	ESTIMATE_LINK_MEASURED,
	ESTIMATE_LINK_LEARNT, /* measured, and more than migrations got */
	ESTIMATE_LINK_GIVEN,
	ESTIMATE_LINK_ASSUMED, /* 1 Gbit/s */
	ESTIMATE_LINKS
};
const char *estimate_link_name(enum estimate_link l); /* "measured" */

/* A verdict is certain where at least this share of the curves converge. */
#define ESTIMATE_CERTAIN 0.9

enum estimate_verdict {
	ESTIMATE_CONVERGES,
	ESTIMATE_UNSURE, /* some of the curves that may be the guest's do */
	ESTIMATE_NEVER,
	ESTIMATE_UNKNOWN, /* nothing could be measured */
	ESTIMATE_VERDICTS
};
const char *estimate_verdict_name(enum estimate_verdict v); /* "converges" */

struct estimate_row {
	double bandwidth_bps;
	struct forecast cell[ESTIMATE_BUDGETS]; /* one a budget */
};

struct estimate {
	struct rehearsal seen;
	bool quick;
	double ram_bytes;
	double budget_ms, deadline_s; /* as asked for */
	double cap_bps;		      /* as asked for; 0: none */
	/*
	 * What the link carries: as it was found, and from estimate_judge() on
	 * as it is used in the computation.
	 */
	double link_bps;
	enum estimate_link link;
	struct lessons pair; /* to the destination; nothing: n 0 */
	double link_sigma;   /* of ln link_bps: as probed, and as judged */
	double fixed_ms;     /* of a switchover, besides copying: as is */
	double fixed_worst_ms;
	double overhead_ms; /* used in the computation; and of a pass */

	struct curve *curve; /* owned; NULL or unknown: nothing was seen */
	double budgets_ms[ESTIMATE_BUDGETS];
	size_t n_budgets;
	struct estimate_row rows[ESTIMATE_RATES];
	size_t n_rows;
	struct forecast asked; /* with what was asked for */
	struct forecast_remedy remedy;
	bool sampled;		      /* `xbzrle` is of the guest's pages */
	struct xbzrle_verdict xbzrle; /* what xbzrle would make of them */
	bool xbzrle_helps;	      /* alone, where nothing else is needed */
	enum estimate_verdict verdict;
	char *sentence; /* owned */
	char *advice;	/* owned; NULL: none is needed, or none helps */
	char *note;	/* owned; what was not as it should, or NULL */
};
void estimate_init(struct estimate *est);
void estimate_free(struct estimate *est);

/*
 * To be called from a task. Fills @est and @result (both initialised before):
 * OUTCOME_READY when a forecast could be made, whatever it says. A cancel
 * undoes what was begun. The guest stays where it is and runs all the time.
 */
void estimate_make(const struct estimate_options *opt, struct estimate *est,
		   struct result *result);

/*
 * Pure: from `seen`, the wishes, the link, `pair` and `xbzrle` to all the rest.
 */
void estimate_judge(struct estimate *est);

/* Members curve[], points[], table[], verdict, advice, …, added to @out. */
void estimate_to_json(const struct estimate *est, struct json_object *out);

#endif
