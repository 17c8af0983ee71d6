/* SPDX-License-Identifier: MIT */
/* run_journal: what a run writes into its journal. */
#include "engine/run/run_journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/run/migrate_options.h"
#include "engine/run/reach.h"
#include "engine/run/run_mark.h"
#include "engine/run/run_token.h"
#include "engine/run/socket_names.h"
#include "engine/state/journal.h"
#include "engine/state/journal_identity.h"
#include "engine/state/state_dir.h"
#include "qmp/json.h"
#include "transport/base/log.h"
#include "transport/base/xalloc.h"

/* --- facts, by record ---------------------------------------------------- */

static struct json_object *moves_json(const struct argv_moves *m)
{
	struct json_object *all = json_object_new_array();

	for (size_t i = 0; i < m->n; i++) {
		struct json_object *o = json_new();

		o = json_add_str(o, "now", m->v[i].now);
		o = json_add_str(o, "public", m->v[i].public);
		if (m->v[i].id)
			o = json_add_str(o, "id", m->v[i].id);
		json_object_array_add(all, o);
	}
	return all;
}

static struct json_object *monitors_json(const struct guest *g)
{
	struct json_object *all = json_object_new_array();

	for (size_t i = 0; i < g->n_monitors; i++) {
		const struct monitor *m = &g->monitors[i];

		if (m->kind == MONITOR_QMP && m->path)
			json_object_array_add(all,
					      json_object_new_string(m->path));
	}
	return all;
}

static struct json_object *begin_facts(const struct run *r)
{
	const struct guest *g = &r->source.guest;
	struct json_object *o = json_new();

	o = json_add_str(o, "run", r->id.name);
	o = json_add_str(o, "token", r->id.token);
	o = json_add_str(o, "key", r->id.key);
	o = json_add_str(o, "guest", guest_label(g));
	o = json_add_str(o, "uuid", r->source.facts.uuid);
	o = json_add_bool(o, "was_running",
			  r->source.facts.first_status.running);
	o = json_add_bool(o, "paused", r->opt->paused);
	o = journal_identity_put(o, JOURNAL_SOURCE, &r->source.space,
				 r->source.token_file);
	o = json_add_i64(o, "source_pid", g->pid);
	o = json_add_u64(o, "source_ticks", g->start_ticks);
	o = json_add_u64(o, "begun_ticks", r->source.begun_ticks);
	o = json_add_sub(o, "source_monitors", monitors_json(g));
	o = json_add_str(o, "source_monitor", r->source.monitor);
	o = json_add_sub(o, "source_moves", moves_json(&g->moves));
	o = json_add_str(o, "source_dir", g->run_dir);
	if (r->source.restarts) {
		o = json_add_str(o, "unit", g->unit);
		o = json_add_bool(o, "user_unit", g->user_unit);
	}
	o = json_add_str(o, "user", g->user);
	o = json_add_str(o, "group", g->group);
	o = json_add_u64(o, "uid", g->uid);
	o = json_add_str(o, "destination", r->opt->destination);
	if (r->opt->ssh.become == HOST_BECOME_SUDO)
		o = json_add_str(o, "become", "sudo");
	return journal_identity_put(o, JOURNAL_DESTINATION, &r->dest.space,
				    r->dest.token_file);
}

/* What an earlier try noted of a QEMU that is gone by now. */
static struct json_object *take_back(struct json_object *o)
{
	static const char *const gone[] = {
		"destination_pid", "destination_ticks",	       "capabilities",
		"parameters",	   "destination_capabilities",
	};

	for (size_t i = 0; i < ARRAY_SIZE(gone); i++)
		o = json_add_sub(o, gone[i], NULL);
	return o;
}

static struct json_object *prep_facts(const struct run *r)
{
	struct json_object *o = json_new();

	o = json_add_str(o, "directory", r->dest.dir);
	o = json_add_str(o, "lock", r->dest.lock);
	o = json_add_str(o, "session", r->dest.session);
	o = json_add_str(o, "monitor", r->dest.plan.monitor0);
	o = json_add_str(o, "rescue", r->dest.plan.monitor1);
	if (r->tries.n)
		o = take_back(o);
	return json_add_sub(o, "moves", moves_json(&r->dest.plan.moves));
}

/* The second time with settings to put back, as QEMU itself reported them. */
static struct json_object *dest_facts(const struct run *r)
{
	struct json_object *o = json_new();

	o = json_add_i64(o, "destination_pid", r->dest.pid);
	o = json_add_u64(o, "destination_ticks", r->dest.ticks);
	if (!r->attempt.src.caps)
		return o;
	o = json_add_sub(o, "capabilities",
			 json_object_get(r->attempt.src.caps));
	o = json_add_sub(o, "parameters",
			 json_object_get(r->attempt.src.params));
	return json_add_sub(o, "destination_capabilities",
			    json_object_get(r->attempt.dst.caps));
}

static struct json_object *facts_of(const struct run *r,
				    enum journal_record record)
{
	switch (record) {
	case JOURNAL_BEGIN:
		return begin_facts(r);
	case JOURNAL_PREP:
		return prep_facts(r);
	case JOURNAL_DEST:
		return dest_facts(r);
	case JOURNAL_WISH:
		return json_add_bool(json_new(), "was_running",
				     r->source.facts.first_status.running);
	default:
		return NULL;
	}
}

/* --- writing ------------------------------------------------------------- */

int run_journal_begin(struct run *r, struct err *err)
{
	AUTO_FREE char *runs = state_dir_runs(run_state(r));
	AUTO_FREE char *path = state_dir_journal(run_state(r), r->id.name);

	socket_names_mark(&r->source.guest.moves);
	reach_identify(r);
	run_token_place(r);
	r->held.record_dir = state_dir_run(run_state(r), r->id.name);
	if (state_dir_make(runs, err) == 0 && state_dir_trust(runs, err) == 0 &&
	    state_dir_make(r->held.record_dir, err) == 0)
		r->held.journal = journal_create(path, err);
	if (r->held.journal && run_journal_write(r, JOURNAL_BEGIN, err) == 0 &&
	    run_token_leave(r, err) == 0) {
		run_mark_leaving(r);
		return 0;
	}
	err_wrap(err, ERR_REFUSED, "without a journal nothing is begun");
	return err_hint(err,
			"make room in %s, or name another place with "
			"--state-dir",
			runs);
}

static int write_facts(struct run *r, enum journal_record record,
		       struct json_object *facts, struct err *err)
{
	log_debug(NULL, "journal: %s", journal_record_name(record));
	if (journal_append(r->held.journal, record, facts, err) == 0) {
		run_token_follow(r, record);
		return 0;
	}
	return err_wrap(err, ERR_FAILED,
			"the journal takes no more; nothing is done without "
			"it");
}

int run_journal_write(struct run *r, enum journal_record record,
		      struct err *err)
{
	if (r->held.journal &&
	    write_facts(r, record, facts_of(r, record), err) < 0)
		return -1;
	if (record == JOURNAL_BEGIN || record == JOURNAL_WISH)
		r->source.noted_running = r->source.facts.first_status.running;
	return 0;
}

static void warn(struct run *r, const struct err *e)
{
	AUTO_FREE char *text = err_text(e);

	run_warn(r, "journal", "%s", text);
}

bool run_journal_in_doubt(const struct run *r)
{
	return r->held.journal && journal_in_doubt(r->held.journal);
}

void run_journal_note(struct run *r, enum journal_record record)
{
	AUTO_ERR struct err e = { 0 };

	if (!run_journal_in_doubt(r) && run_journal_write(r, record, &e) < 0)
		warn(r, &e);
}

int run_journal_source_back(struct run *r)
{
	AUTO_ERR struct err e = { 0 };

	if (!r->held.journal)
		return -1;
	if (write_facts(r, JOURNAL_ABORTING,
			json_add_bool(json_new(), "source_back", true),
			&e) == 0) {
		run_mark_ended(r);
		return 0;
	}
	warn(r, &e);
	return -1;
}

int run_journal_seen(struct run *r, const char *side, struct err *err)
{
	AUTO_FREE char *member = xasprintf("%s_ran", side);

	if (!r->held.journal)
		return err_set(err, ERR_FAILED, "there is no journal");
	return write_facts(r, JOURNAL_SEEN,
			   json_add_bool(json_new(), member, true), err);
}

int run_journal_reopen(struct run *r, const char *path, struct err *err)
{
	r->held.journal = journal_reopen(path, err);
	return r->held.journal ? 0 : -1;
}

void run_journal_close(struct run *r, bool clean)
{
	journal_close(STEAL(r->held.journal));
	if (!r->held.record_dir || !clean)
		return;
	r->held.finished = true;
	run_mark_ended(r);
	run_token_remove(r);
	state_dir_remove_run(r->held.record_dir);
	run_token_drop(r);
}

static bool is_source_back(const struct run *r)
{
	return !r->source.unsure && !r->attempt.migrating &&
	       !r->attempt.src.caps_changed && !r->attempt.src.params_changed;
}

/* The disk that took no record may not let go of one either. */
static int report_if_kept(const struct run *r, struct err *err)
{
	if (access(r->held.record_dir, F_OK) < 0)
		return 0;
	return err_set(err, ERR_FAILED,
		       "the journal in %s, which cannot be trusted, could not "
		       "be removed",
		       r->held.record_dir);
}

int run_journal_end(struct run *r, struct err *err)
{
	bool doubted;

	if (r->source.unsure || r->result->leftovers.n) {
		/* `recover` has something to do */
		if (is_source_back(r))
			(void)run_journal_source_back(r);
		run_journal_close(r, false);
		return 0;
	}
	run_journal_note(r, JOURNAL_ABORTED);
	doubted = run_journal_in_doubt(r);
	run_journal_close(r, true);
	/* all was undone, whatever it says */
	return doubted ? report_if_kept(r, err) : 0;
}
