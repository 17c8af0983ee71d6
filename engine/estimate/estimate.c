/* SPDX-License-Identifier: MIT */
/* outlook: measures a guest and its link, and has a migration forecast. */
#include "engine/estimate/estimate.h"

#include <math.h>
#include <stdlib.h>

#include "engine/estimate/link_probe.h"
#include "engine/run/page_sample.h"
#include "engine/hosts/probe.h"
#include "engine/run/run_journal.h"
#include "engine/run/run.h"
#include "qmp/qmp_dirty.h"
#include "transport/base/log.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

static const double default_seconds = 10;
static const unsigned int quick_samples_s[] = { 1, 2 };

void outlook_init(struct outlook *o)
{
	*o = (struct outlook){ .verdict = OUTLOOK_UNKNOWN };
	rehearsal_init(&o->seen);
}

void outlook_free(struct outlook *o)
{
	free(o->curve);
	free(o->sentence);
	free(o->advice);
	free(o->note);
	outlook_init(o);
}

static void note(struct outlook *o, const char *text)
{
	if (!o->note)
		o->note = xstrdup(text);
}

/* --- the link ------------------------------------------------------------ */

/* A host that does not tell its machine id: nothing. -1: cancelled. */
static int recall(struct run *r, struct host *h, struct outlook *o,
		  struct err *err)
{
	AUTO_FREE char *dir = record_pairs(r);
	struct host_facts there = { .hostname = NULL };
	AUTO_ERR struct err e = { 0 };

	if (probe_host(h, &there, mono_in_ms(RUN_SCRIPT_MS), &e) == 0)
		pair_load(&o->pair, dir, there.machine_id);
	else
		log_info(host_name(h), "nothing is recalled: %s", e.message);
	host_facts_free(&there);
	if (!err_has(&e, ERR_CANCELLED))
		return 0;
	err_move(err, &e);
	return -1;
}

static int measure_link(struct run *r, const struct outlook_options *opt,
			struct outlook *o, struct err *err)
{
	const struct migrate_options *m = &opt->migrate;
	struct host *h;
	int rc;

	if (!m->destination) {
		o->link = m->bandwidth_bps ? OUTLOOK_LINK_GIVEN
					   : OUTLOOK_LINK_ASSUMED;
		o->link_bps = (double)m->bandwidth_bps;
		return 0;
	}
	o->link = OUTLOOK_LINK_MEASURED;
	o->cap_bps = (double)m->bandwidth_bps;
	h = host_open(m->destination, &m->ssh, mono_in_ms(RUN_CONNECT_MS), err);
	if (!h)
		return err_wrap(err, ERR_NONE, "cannot use %s as a destination",
				m->destination);
	rc = recall(r, h, o, err);
	if (rc == 0)
		rc = link_probe(h, &o->link_bps, err);
	host_close(h);
	return rc < 0 ? err_wrap(err, ERR_NONE, "cannot measure the link to %s",
				 m->destination)
		      : 0;
}

/* --- the guest ----------------------------------------------------------- */

static int may_rehearse(const struct run *r, struct err *err)
{
	if (r->guest.manager) {
		err_set(err, ERR_REFUSED, "%s is managed by %s",
			guest_label(&r->guest), r->guest.manager);
		return err_hint(err, "use its own tools, or --quick, which "
				     "changes no setting of QEMU");
	}
	if (r->facts.blocked)
		return err_set(err, ERR_REFUSED, "%s cannot be migrated: %s",
			       guest_label(&r->guest), r->facts.blocked);
	return 0;
}

static int guarded_rehearsal(struct run *r, const struct rehearse_limits *l,
			     struct outlook *o, struct err *err)
{
	int rc = run_record_begin(r, err);

	if (rc == 0)
		rc = run_guard(r, err);
	if (rc == 0)
		rc = rehearse_run(r, l, &o->seen, err);
	task_shield();
	(void)run_record_end(r, NULL);
	task_unshield();
	return rc;
}

static int rehearse_guest(struct run *r, const struct outlook_options *opt,
			  struct outlook *o, struct err *err)
{
	const struct rehearse_limits limits = {
		.seconds = opt->seconds > 0 ? opt->seconds : default_seconds,
	};
	int rc;

	if (may_rehearse(r, err) < 0 || run_lock(r, err) < 0)
		return -1;
	rc = guarded_rehearsal(r, &limits, o, err);
	(void)run_unlock(r, NULL);
	return rc;
}

/* QEMU samples no guest as small as that; what the other look saw is used. */
static void count_small(struct run *r, struct outlook *o)
{
	double ram = (double)r->facts.ram_bytes, share;

	if (ram >= (double)QMP_DIRTY_LEAST_BYTES || !o->xbzrle.looked_at)
		return;
	o->seen.quiet = o->xbzrle.pages < XBZRLE_FEWEST_PAGES;
	/* none that changed is less than one of them stands for */
	share = fmax(o->xbzrle.changed_share,
		     0.5 / (double)o->xbzrle.looked_at);
	rehearse_add(&o->seen, XBZRLE_HORIZON_S, share * ram, true);
}

/* Whether xbzrle would pay, as `migrate` judges it. */
static int sample_pages(struct run *r, struct outlook *o, struct err *err)
{
	if (!r->facts.first_status.running)
		return 0;
	if (page_sample_judge(r->src.qmp, r->facts.machine, r->facts.ram_bytes,
			      &o->xbzrle, err) < 0)
		return -1;
	xbzrle_fit_cache(&o->xbzrle, r->facts.ram_bytes, run_cache_room(r));
	o->sampled = true;
	count_small(r, o);
	return 0;
}

/* Fewer points still make a forecast; what must stop the command does not. */
static bool is_fatal(const struct run *r, const struct err *err)
{
	return err_has(err, ERR_CANCELLED) || err->kind == ERR_ENDED ||
	       err->kind == ERR_BUSY || err->kind == ERR_REFUSED ||
	       err->kind == ERR_SYSTEM || r->source_unsure ||
	       r->result->leftovers.n;
}

static int measure_guest(struct run *r, const struct outlook_options *opt,
			 struct outlook *o, struct err *err)
{
	AUTO_ERR struct err e = { 0 };
	AUTO_FREE char *text = NULL;
	size_t n = opt->quick ? ARRAY_SIZE(quick_samples_s) : 1;

	for (size_t i = 0; i < n; i++) {
		if (rehearse_sample(r, quick_samples_s[i], &o->seen, err) < 0)
			return -1;
	}
	if (sample_pages(r, o, err) < 0)
		return -1;
	if (o->seen.end)
		note(o, o->seen.end);
	if (opt->quick)
		return 0;
	if (!r->facts.first_status.running) {
		note(o, "the guest is paused, so it was not rehearsed");
		return 0;
	}
	if (rehearse_guest(r, opt, o, &e) < 0) {
		if (is_fatal(r, &e)) {
			err_move(err, &e);
			return -1;
		}
		text = err_text(&e);
		run_warn(r, "rehearsal", "%s", text);
		note(o, text);
	}
	if (o->seen.end)
		note(o, o->seen.end);
	return 0;
}

/* --- all of it ----------------------------------------------------------- */

static int make(struct run *r, const struct outlook_options *opt,
		struct outlook *o, struct err *err)
{
	if (run_connect(r, err) < 0 || run_discover(r, err) < 0)
		return -1;
	o->ram_bytes = (double)r->facts.ram_bytes;
	if (measure_link(r, opt, o, err) < 0 ||
	    measure_guest(r, opt, o, err) < 0)
		return -1;
	outlook_judge(o);
	return 0;
}

static void settle(struct run *r, struct err *err)
{
	struct result *res = r->result;

	res->outcome = outcome_of_error(err->kind);
	if (r->source_unsure) {
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

void outlook_make(const struct outlook_options *opt, struct outlook *o,
		  struct result *result)
{
	struct migrate_options here = opt->migrate;
	AUTO_ERR struct err err = { 0 };
	struct run *r = XNEW(struct run);

	/* the run itself goes nowhere: so says its journal */
	here.destination = "local";
	o->quick = opt->quick;
	o->budget_ms = here.max_blackout_ms;
	o->deadline_s = here.deadline_s;
	run_open(r, &here, result);
	if (make(r, opt, o, &err) == 0)
		result->outcome = OUTCOME_READY;
	else
		settle(r, &err);
	result->total_ms = mono_diff_ms(mono_now(), r->started);
	run_close(r);
	free(r);
	free(result->destination);
	result->destination = xstrdup(opt->migrate.destination);
}
