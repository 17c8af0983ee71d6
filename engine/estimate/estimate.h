/* SPDX-License-Identifier: MIT */
/*
 * outlook: what a migration of a guest would be like, before anything moves.
 *
 * Measures how fast the guest dirties its memory (rehearse.h), how little of
 * its pages it changes (page_sample.h) and how fast the link is (link_probe.h),
 * recalls what earlier migrations to the destination taught (pair.h), and has
 * every combination of bandwidth and budget forecast (forecast.h).
 */
#ifndef ENGINE_ESTIMATE_ESTIMATE_H
#define ENGINE_ESTIMATE_ESTIMATE_H

#include "engine/policy/curve.h"
#include "engine/policy/forecast.h"
#include "engine/run/migrate.h"
#include "engine/state/lessons.h"
#include "engine/estimate/rehearse.h"
#include "engine/policy/xbzrle.h"

enum { OUTLOOK_RATES = 6, OUTLOOK_BUDGETS = 5, OUTLOOK_TIMES = 7 };

/* Everything is borrowed. */
struct outlook_options {
	/*
	 * guest, ssh, max_blackout_ms, deadline_s, bandwidth_bps (a cap where
	 * the link is measured, else the link), state_dir, guardian, sink.
	 * destination NULL: no link is measured.
	 */
	struct migrate_options migrate;
	double seconds; /* of rehearsal; 0: 10 */
	bool quick;	/* page sampling only: nothing is set in QEMU */
};

enum outlook_link {
	OUTLOOK_LINK_MEASURED,
	OUTLOOK_LINK_LEARNT, /* measured, and more than migrations got */
	OUTLOOK_LINK_GIVEN,
	OUTLOOK_LINK_ASSUMED, /* 1 Gbit/s */
	OUTLOOK_LINKS
};
const char *outlook_link_name(enum outlook_link l); /* "measured" */

enum outlook_verdict {
	OUTLOOK_CONVERGES,
	OUTLOOK_UNSURE, /* some of the curves that may be the guest's do */
	OUTLOOK_NEVER,
	OUTLOOK_UNKNOWN, /* nothing could be measured */
	OUTLOOK_VERDICTS
};
const char *outlook_verdict_name(enum outlook_verdict v); /* "converges" */

struct outlook_row {
	double bandwidth_bps;
	struct forecast cell[OUTLOOK_BUDGETS]; /* one a budget */
};

struct outlook {
	struct rehearsal seen;
	bool quick;
	double ram_bytes;
	double budget_ms, deadline_s; /* as asked for */
	double cap_bps;		      /* as asked for; 0: none */
	/*
	 * What the link carries: as it was found, and from outlook_judge() on
	 * as it is reckoned with.
	 */
	double link_bps;
	enum outlook_link link;
	struct pair pair;   /* to the destination; nothing: n 0 */
	double fixed_ms;    /* of a switchover, besides copying: as is */
	double overhead_ms; /* reckoned with; and of a pass */

	struct curve *curve; /* owned; NULL or unknown: nothing was seen */
	double budgets_ms[OUTLOOK_BUDGETS];
	size_t n_budgets;
	struct outlook_row rows[OUTLOOK_RATES];
	size_t n_rows;
	struct forecast asked; /* with what was asked for */
	struct forecast_remedy remedy;
	bool sampled;		      /* `xbzrle` is of the guest's pages */
	struct xbzrle_verdict xbzrle; /* what xbzrle would make of them */
	bool xbzrle_helps;	      /* alone, where nothing else is needed */
	enum outlook_verdict verdict;
	char *sentence; /* owned */
	char *advice;	/* owned; NULL: none is needed, or none helps */
	char *note;	/* owned; what was not as it should, or NULL */
};
void outlook_init(struct outlook *o);
void outlook_free(struct outlook *o);

/*
 * To be called from a task. Fills @o and @result (both initialised before):
 * OUTCOME_READY when a forecast could be made, whatever it says. A cancel
 * undoes what was begun. The guest stays where it is and runs all the time.
 */
void outlook_make(const struct outlook_options *opt, struct outlook *o,
		  struct result *result);

/*
 * Pure: from `seen`, the wishes, the link, `pair` and `xbzrle` to all the rest.
 */
void outlook_judge(struct outlook *o);

/* Members curve[], points[], table[], verdict, advice, …, added to @out. */
void outlook_to_json(const struct outlook *o, struct json_object *out);

#endif
