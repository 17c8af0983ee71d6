/* SPDX-License-Identifier: MIT */
/* estimate: measures a guest and its link, and has a migration forecast. */
#include "engine/estimate/estimate.h"

#include <math.h>
#include <stdlib.h>

#include "engine/estimate/link_probe.h"
#include "engine/run/choose_xbzrle.h"
#include "engine/run/connect.h"
#include "engine/run/lock.h"
#include "engine/run/migrate_options.h"
#include "engine/run/page_sample.h"
#include "engine/hosts/probe.h"
#include "engine/run/run_journal.h"
#include "engine/run/run.h"
#include "engine/run/setup.h"
#include "qmp/qmp_dirty.h"
#include "transport/base/log.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"

static const double default_seconds = 10;
static const unsigned int quick_samples_s[] = { 1, 2 };

void estimate_init(struct estimate *est)
{
	*est = (struct estimate){ .verdict = ESTIMATE_UNKNOWN };
	rehearsal_init(&est->seen);
}

void estimate_free(struct estimate *est)
{
	free(est->curve);
	free(est->sentence);
	free(est->advice);
	free(est->note);
	estimate_init(est);
}

static void note(struct estimate *est, const char *text)
{
	if (!est->note)
		est->note = xstrdup(text);
}

/* --- the link ------------------------------------------------------------ */

/* A host without a machine id: nothing. -1: cancelled. */
static int recall(struct run *r, struct host *h, struct estimate *est,
		  struct err *err)
{
	struct host_facts there = { .hostname = NULL };
	AUTO_ERR struct err e = { 0 };

	if (probe_host(h, &there, mono_in_ms(RUN_SCRIPT_MS), &e) == 0)
		lessons_load(&est->pair, run_state(r),
			     identity_machine(&there.space));
	else
		log_info(host_name(h), "nothing is recalled: %s", e.message);
	host_facts_free(&there);
	if (!err_has(&e, ERR_CANCELLED))
		return 0;
	err_move(err, &e);
	return -1;
}

static int measure_link(struct run *r, const struct estimate_options *opt,
			struct estimate *est, struct err *err)
{
	const struct migrate_options *m = &opt->migrate;
	struct host *h;
	int rc;

	if (!m->destination) {
		est->link = m->bandwidth_bps ? ESTIMATE_LINK_GIVEN
					     : ESTIMATE_LINK_ASSUMED;
		est->link_bps = (double)m->bandwidth_bps;
		return 0;
	}
	est->link = ESTIMATE_LINK_MEASURED;
	est->cap_bps = (double)m->bandwidth_bps;
	h = host_open(m->destination, &m->ssh, mono_in_ms(RUN_CONNECT_MS), err);
	if (!h)
		return err_wrap(err, ERR_NONE, "cannot use %s as a destination",
				m->destination);
	rc = recall(r, h, est, err);
	if (rc == 0)
		rc = link_probe(h, &est->link_bps, &est->link_sigma, err);
	host_close(h);
	return rc < 0 ? err_wrap(err, ERR_NONE, "cannot measure the link to %s",
				 m->destination)
		      : 0;
}

/* --- the guest ----------------------------------------------------------- */

static int may_rehearse(const struct run *r, struct err *err)
{
	if (r->source.guest.manager) {
		err_set(err, ERR_REFUSED, "%s is managed by %s",
			guest_label(&r->source.guest), r->source.guest.manager);
		return err_hint(err, "use its own tools, or --quick, which "
				     "changes no setting of QEMU");
	}
	if (r->source.facts.blocked)
		return err_set(err, ERR_REFUSED, "%s cannot be migrated: %s",
			       guest_label(&r->source.guest),
			       r->source.facts.blocked);
	return 0;
}

static int guarded_rehearsal(struct run *r, const struct rehearse_limits *l,
			     struct estimate *est, struct err *err)
{
	int rc = run_journal_begin(r, err);

	if (rc == 0)
		rc = setup_guard(r, err);
	if (rc == 0)
		rc = rehearse_run(r, l, &est->seen, err);
	task_shield();
	(void)run_journal_end(r, NULL);
	task_unshield();
	return rc;
}

static int rehearse_guest(struct run *r, const struct estimate_options *opt,
			  struct estimate *est, struct err *err)
{
	const struct rehearse_limits limits = {
		.seconds = opt->seconds > 0 ? opt->seconds : default_seconds,
	};
	int rc;

	if (may_rehearse(r, err) < 0 || lock_take(r, err) < 0)
		return -1;
	rc = guarded_rehearsal(r, &limits, est, err);
	(void)lock_release(r, NULL);
	return rc;
}

/* QEMU samples no guest as small as that; what the other look saw is used. */
static void count_small(struct run *r, struct estimate *est)
{
	double ram = (double)r->source.facts.ram_bytes, share;

	if (ram >= (double)QMP_DIRTY_LEAST_BYTES || !est->xbzrle.looked_at)
		return;
	est->seen.quiet = est->xbzrle.pages < XBZRLE_FEWEST_PAGES;
	/* nothing that changed is smaller than what one of them represents */
	share = fmax(est->xbzrle.changed_share,
		     0.5 / (double)est->xbzrle.looked_at);
	rehearse_add(&est->seen, XBZRLE_HORIZON_S, share * ram, true);
}

/* Whether xbzrle would pay, as `migrate` judges it. */
static int sample_pages(struct run *r, struct estimate *est, struct err *err)
{
	if (!r->source.facts.first_status.running)
		return 0;
	if (page_sample_judge(r->src.qmp, r->source.facts.machine,
			      r->source.facts.ram_bytes, NULL, &est->xbzrle,
			      err) < 0)
		return -1;
	xbzrle_fit_cache(&est->xbzrle, r->source.facts.ram_bytes,
			 choose_xbzrle_room(r));
	est->sampled = true;
	count_small(r, est);
	return 0;
}

/* Fewer points still make a forecast; what must stop the command does not. */
static bool is_fatal(const struct run *r, const struct err *err)
{
	return err_has(err, ERR_CANCELLED) || err->kind == ERR_ENDED ||
	       err->kind == ERR_BUSY || err->kind == ERR_REFUSED ||
	       err->kind == ERR_SYSTEM || r->source.unsure ||
	       r->result->leftovers.n;
}

static int measure_guest(struct run *r, const struct estimate_options *opt,
			 struct estimate *est, struct err *err)
{
	AUTO_ERR struct err e = { 0 };
	AUTO_FREE char *text = NULL;
	size_t n = opt->quick ? ARRAY_SIZE(quick_samples_s) : 1;

	for (size_t i = 0; i < n; i++) {
		if (rehearse_sample(r, quick_samples_s[i], &est->seen, err) < 0)
			return -1;
	}
	if (sample_pages(r, est, err) < 0)
		return -1;
	if (est->seen.end)
		note(est, est->seen.end);
	if (opt->quick)
		return 0;
	if (!r->source.facts.first_status.running) {
		note(est, "the guest is paused, so it was not rehearsed");
		return 0;
	}
	if (rehearse_guest(r, opt, est, &e) < 0) {
		if (is_fatal(r, &e)) {
			err_move(err, &e);
			return -1;
		}
		text = err_text(&e);
		run_warn(r, "rehearsal", "%s", text);
		note(est, text);
	}
	if (est->seen.end)
		note(est, est->seen.end);
	return 0;
}

/* --- all of it ----------------------------------------------------------- */

static int make(struct run *r, const struct estimate_options *opt,
		struct estimate *est, struct err *err)
{
	if (connect_run(r, err) < 0 || connect_discover(r, err) < 0)
		return -1;
	est->ram_bytes = (double)r->source.facts.ram_bytes;
	if (measure_link(r, opt, est, err) < 0 ||
	    measure_guest(r, opt, est, err) < 0)
		return -1;
	estimate_judge(est);
	return 0;
}

static void settle(struct run *r, struct err *err)
{
	struct result *res = r->result;

	res->outcome = outcome_of_error(err->kind);
	if (r->source.unsure) {
		res->outcome = OUTCOME_UNDECIDED;
		res->owner = OWNER_UNKNOWN;
	} else if (res->leftovers.n) {
		res->outcome = OUTCOME_FAILED;
	} else if (err->kind != ERR_ENDED && err_has(err, ERR_CANCELLED)) {
		res->outcome = OUTCOME_CANCELLED;
		err_set(err, ERR_CANCELLED, "cancelled on request");
	}
	if (res->outcome == OUTCOME_ENDED)
		res->owner = OWNER_NONE;
	err_move(&res->error, err);
}

void estimate_make(const struct estimate_options *opt, struct estimate *est,
		   struct result *result)
{
	struct migrate_options here = opt->migrate;
	AUTO_ERR struct err err = { 0 };
	struct run *r = XNEW(struct run);

	/* the run itself goes nowhere: so says its journal */
	here.destination = "local";
	est->quick = opt->quick;
	est->budget_ms = here.max_blackout_ms;
	est->deadline_s = here.deadline_s;
	run_open(r, &here, result);
	if (make(r, opt, est, &err) == 0)
		result->outcome = OUTCOME_READY;
	else
		settle(r, &err);
	result->total_ms = mono_diff_ms(mono_now(), r->started);
	run_close(r);
	free(r);
	free(result->destination);
	result->destination = xstrdup(opt->migrate.destination);
}
