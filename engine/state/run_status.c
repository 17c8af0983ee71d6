/* SPDX-License-Identifier: MIT */
/* run_status: what is true of the runs that recordings are of. */
#include "engine/state/run_status.h"

#include <math.h>
#include <string.h>

#include "engine/state/unfinished.h"
#include "transport/base/xalloc.h"

/* --- one run ------------------------------------------------------------- */

static double first_known(double a, double b)
{
	return isnan(a) ? b : a;
}

static const char *first_text(const char *a, const char *b)
{
	return a ? a : b;
}

static double later(double t, double now_s)
{
	return isnan(t) ? t : fmax(t - now_s, 0);
}

/* The newest sentence; of the warnings only the one that names a wait. */
static const char *newest_why(const struct recording_view *v)
{
	static const struct {
		enum event_kind kind;
		const char *key;
	} kept[] = {
		{ EVENT_PASS, "why" },
		{ EVENT_DECISION, "why" },
		{ EVENT_WARNING, "text" },
	};
	const char *warning = recording_text(v, EVENT_WARNING, "name");
	const char *best = NULL;
	double at = -INFINITY;

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		const char *s = recording_text(v, kept[i].kind, kept[i].key);
		double t = recording_number(v, kept[i].kind, "mono_ms");

		if (!s || !(t >= at) ||
		    (kept[i].kind == EVENT_WARNING &&
		     (!warning || strcmp(warning, "wait") != 0)))
			continue;
		best = s;
		at = t;
	}
	return best;
}

/* The last warning there is, for it comes behind the result. */
static const char *started_again(const struct recording_view *v)
{
	const char *name = recording_text(v, EVENT_WARNING, "name");

	return name && !strcmp(name, EVENT_STARTED_AGAIN)
		       ? recording_text(v, EVENT_WARNING, "text")
		       : NULL;
}

static void gather_pass(struct run_status *s, double now_s)
{
	const struct recording_view *v = s->v;
	double at = recording_number(v, EVENT_PASS, "t");

	s->pass = first_known(recording_number(v, EVENT_SAMPLE, "pass"),
			      recording_number(v, EVENT_PASS, "number"));
	s->left_bytes = first_known(
		recording_number(v, EVENT_SAMPLE, "remaining_bytes"),
		recording_number(v, EVENT_PASS, "remaining_bytes"));
	s->total_bytes = recording_number(v, EVENT_SAMPLE, "total_bytes");
	s->bandwidth_bps =
		first_known(recording_number(v, EVENT_SAMPLE, "bandwidth_bps"),
			    recording_number(v, EVENT_PASS, "bandwidth_bps"));
	s->forecast = v->last[EVENT_PASS] && v->state == RECORDING_RUNNING;
	s->eta_p50_s = s->eta_p90_s = NAN;
	if (!s->forecast)
		return;
	s->eta_p50_s =
		later(recording_number(v, EVENT_PASS, "eta_p50_s"), now_s - at);
	s->eta_p90_s =
		later(recording_number(v, EVENT_PASS, "eta_p90_s"), now_s - at);
}

/* While its engine lives nobody else has anything to do. */
static bool is_unfinished(const char *state, const struct recording_view *v)
{
	return v->state != RECORDING_RUNNING && unfinished_is(state, v->run);
}

static struct run_status
gather_one(const char *state, const struct recording_view *v, double now_s)
{
	struct run_status s = {
		.v = v,
		.guest = recording_guest(v),
		.recovered = recording_is_recovered(v),
		.unfinished = is_unfinished(state, v),
	};

	s.source = first_text(recording_text(v, EVENT_RESULT, "source"),
			      recording_text(v, EVENT_RUN_START, "source"));
	s.destination =
		first_text(recording_text(v, EVENT_RESULT, "destination"),
			   recording_text(v, EVENT_RUN_START, "destination"));
	s.phase = first_text(recording_text(v, EVENT_PHASE, "to"),
			     phase_name(PHASE_CONNECT));
	s.outcome = recording_text(v, EVENT_RESULT, "outcome");
	s.owner = recording_text(v, EVENT_RESULT, "owner");
	s.why = first_text(recording_text(v, EVENT_RESULT, "decision"),
			   newest_why(v));
	s.started_again = started_again(v);
	gather_pass(&s, now_s);
	return s;
}

/* One that was turned away at once says nothing about the guest. */
static bool is_news(const struct run_status *s)
{
	const char *none = outcome_name(OUTCOME_REFUSED);
	const char *busy = outcome_name(OUTCOME_BUSY);

	return !s->outcome ||
	       (strcmp(s->outcome, none) != 0 && strcmp(s->outcome, busy) != 0);
}

/*
 * What waits to be cleaned up on a host that is gone holds no guest up, and
 * recovery may come to it after the later run has ended.
 */
static bool is_overtaken(const struct run_status *all, size_t n, size_t i)
{
	const struct recording_view *v = all[i].v;

	for (size_t k = 0; k < n; k++) {
		if (all[k].v->started_s > v->started_s && is_news(&all[k]) &&
		    recording_same_guest(v, all[k].v))
			return true;
	}
	return false;
}

struct run_status *run_status_all(const char *state,
				  const struct recordings *list, double now_s)
{
	struct run_status *all = xcalloc(list->n, sizeof(*all));

	for (size_t i = 0; i < list->n; i++)
		all[i] = gather_one(state, &list->v[i], now_s);
	for (size_t i = 0; i < list->n; i++)
		all[i].overtaken = is_overtaken(all, list->n, i);
	return all;
}

/* --- which ones are shown ------------------------------------------------ */

bool run_status_is_open(const struct run_status *s)
{
	return s->v->state == RECORDING_RUNNING || s->unfinished;
}

/* Recovery may report the end of one after a later one was refused. */
static bool is_newer(const struct run_status *a, const struct run_status *b)
{
	if (run_status_is_open(a) != run_status_is_open(b))
		return run_status_is_open(a);
	if (a->v->updated_s != b->v->updated_s)
		return a->v->updated_s > b->v->updated_s;
	return a < b;
}

bool run_status_is_shown(const struct run_status *all, size_t n, size_t i,
			 const char *word)
{
	const struct recording_view *v = all[i].v;

	if (word && !recording_is_of(v, word))
		return false;
	/* that very run was asked for */
	if (word && !strcmp(v->run, word))
		return true;
	if (all[i].overtaken)
		return run_status_is_open(&all[i]);
	for (size_t k = 0; k < n; k++) {
		if (k != i && !all[k].overtaken &&
		    recording_same_guest(v, all[k].v) &&
		    is_newer(&all[k], &all[i]))
			return false;
	}
	return true;
}
