/* SPDX-License-Identifier: MIT */
/* record: what a run writes into its journal, and a run brought back. */
#include "engine/run/run_journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/run/socket_names.h"
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
	const struct guest *g = &r->guest;
	struct json_object *o = json_new();

	o = json_add_str(o, "run", r->id);
	o = json_add_str(o, "key", r->key);
	o = json_add_str(o, "guest", guest_label(g));
	o = json_add_str(o, "uuid", r->facts.uuid);
	o = json_add_bool(o, "was_running", r->facts.first_status.running);
	o = json_add_bool(o, "paused", r->opt->paused);
	o = json_add_str(o, "source", r->src_facts.hostname);
	o = json_add_str(o, "source_machine", r->src_facts.machine_id);
	o = json_add_str(o, "source_boot", r->src_facts.boot_id);
	o = json_add_i64(o, "source_pid", g->pid);
	o = json_add_u64(o, "source_ticks", g->start_ticks);
	o = json_add_sub(o, "source_monitors", monitors_json(g));
	o = json_add_sub(o, "source_moves", moves_json(&g->moves));
	o = json_add_str(o, "source_dir", g->run_dir);
	o = json_add_str(o, "user", g->user);
	o = json_add_str(o, "group", g->group);
	o = json_add_u64(o, "uid", g->uid);
	o = json_add_str(o, "destination", r->opt->destination);
	o = json_add_str(o, "destination_machine", r->dst_facts.machine_id);
	return json_add_str(o, "destination_boot", r->dst_facts.boot_id);
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

	o = json_add_str(o, "directory", r->dst_dir);
	o = json_add_str(o, "lock", r->dst_lock);
	o = json_add_str(o, "session", r->dst_session);
	o = json_add_str(o, "monitor", r->plan.monitor0);
	o = json_add_str(o, "rescue", r->plan.monitor1);
	if (r->attempt)
		o = take_back(o);
	return json_add_sub(o, "moves", moves_json(&r->plan.moves));
}

/* The second time with settings to put back, as QEMU itself told them. */
static struct json_object *dest_facts(const struct run *r)
{
	struct json_object *o = json_new();

	o = json_add_i64(o, "destination_pid", r->dst_pid);
	o = json_add_u64(o, "destination_ticks", r->dst_ticks);
	if (!r->src.caps)
		return o;
	o = json_add_sub(o, "capabilities", json_object_get(r->src.caps));
	o = json_add_sub(o, "parameters", json_object_get(r->src.params));
	return json_add_sub(o, "destination_capabilities",
			    json_object_get(r->dst.caps));
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
	case JOURNAL_SWITCH:
		return json_add_bool(json_new(), "was_running",
				     r->facts.first_status.running);
	default:
		return NULL;
	}
}

/* --- writing ------------------------------------------------------------- */

void record_pair(struct run *r, const struct pair_lesson *lesson)
{
	const char *machine = r->dst_facts.machine_id;
	AUTO_ERR struct err e = { 0 };

	/* another run may have learnt meanwhile */
	pair_load(&r->pair, run_state(r), machine);
	if (lesson)
		pair_learn(&r->pair, lesson);
	else
		pair_forget(&r->pair);
	if (pair_save(&r->pair, run_state(r), machine, &e) < 0)
		log_info(NULL,
			 "what was learnt of the two hosts is not kept: %s",
			 e.message);
}

int run_record_begin(struct run *r, struct err *err)
{
	AUTO_FREE char *runs = state_dir_runs(run_state(r));
	AUTO_FREE char *path = state_dir_journal(run_state(r), r->id);

	socket_names_mark(&r->guest.moves);
	r->record_dir = state_dir_run(run_state(r), r->id);
	if (state_dir_make(runs, err) == 0 && state_dir_trust(runs, err) == 0 &&
	    state_dir_make(r->record_dir, err) == 0)
		r->journal = journal_create(path, err);
	if (r->journal && record_write(r, JOURNAL_BEGIN, err) == 0)
		return 0;
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
	if (journal_append(r->journal, record, facts, err) == 0)
		return 0;
	return err_wrap(err, ERR_FAILED,
			"the journal takes no more; nothing is done without "
			"it");
}

int record_write(struct run *r, enum journal_record record, struct err *err)
{
	return r->journal ? write_facts(r, record, facts_of(r, record), err)
			  : 0;
}

static void warn(struct run *r, const struct err *e)
{
	AUTO_FREE char *text = err_text(e);

	run_warn(r, "journal", "%s", text);
}

void record_note(struct run *r, enum journal_record record)
{
	AUTO_ERR struct err e = { 0 };

	if (record_write(r, record, &e) < 0)
		warn(r, &e);
}

int record_source_back(struct run *r)
{
	AUTO_ERR struct err e = { 0 };

	if (!r->journal)
		return -1;
	if (write_facts(r, JOURNAL_ABORTING,
			json_add_bool(json_new(), "source_back", true),
			&e) == 0)
		return 0;
	warn(r, &e);
	return -1;
}

void record_close(struct run *r, bool clean)
{
	journal_close(STEAL(r->journal));
	if (!r->record_dir || !clean)
		return;
	r->finished = true;
	state_dir_remove_run(r->record_dir);
}

static bool is_source_back(const struct run *r)
{
	return !r->source_unsure && !r->migrating && !r->src.caps_changed &&
	       !r->src.params_changed;
}

int run_record_end(struct run *r, struct err *err)
{
	(void)err;
	if (r->source_unsure || r->result->leftovers.n) {
		/* `recover` has something to do */
		if (is_source_back(r))
			(void)record_source_back(r);
		record_close(r, false);
		return 0;
	}
	record_note(r, JOURNAL_ABORTED);
	record_close(r, true);
	return 0;
}

/* --- reading back -------------------------------------------------------- */

static int need_text(const struct journal_view *v, const char *key, char **out,
		     struct err *err)
{
	struct json_object *o = journal_value(v, key);

	if (!json_object_is_type(o, json_type_string))
		return err_set(err, ERR_PROTOCOL,
			       "the journal does not tell \"%s\"", key);
	free(*out);
	*out = xstrdup(json_object_get_string(o));
	return 0;
}

static char *text_or_null(const struct journal_view *v, const char *key)
{
	struct json_object *o = journal_value(v, key);

	return json_object_is_type(o, json_type_string)
		       ? xstrdup(json_object_get_string(o))
		       : NULL;
}

static uint64_t number_or_0(const struct journal_view *v, const char *key)
{
	struct json_object *o = journal_value(v, key);

	return json_object_is_type(o, json_type_int) ? json_object_get_uint64(o)
						     : 0;
}

static bool truth(const struct journal_view *v, const char *key)
{
	struct json_object *o = journal_value(v, key);

	return json_object_is_type(o, json_type_boolean) &&
	       json_object_get_boolean(o);
}

static void restore_moves(const struct journal_view *v, const char *key,
			  struct argv_moves *m)
{
	struct json_at all = { journal_value(v, key), key };
	struct json_at one;

	for (size_t i = 0; i < json_length(all); i++) {
		const char *now, *public, *id = NULL;

		if (json_index(all, i, &one, NULL) < 0 ||
		    json_get_str(one, "now", &now, NULL) < 0 ||
		    json_get_str(one, "public", &public, NULL) < 0)
			continue;
		argv_moves_add(m, now, public);
		if (json_opt_str(one, "id", &id, NULL) == 0 && id)
			m->v[m->n - 1].id = xstrdup(id);
	}
}

static void restore_monitors(const struct journal_view *v, struct guest *g)
{
	struct json_object *all = journal_value(v, "source_monitors");
	size_t n = json_object_is_type(all, json_type_array)
			   ? json_object_array_length(all)
			   : 0;

	g->monitors = xcalloc(n, sizeof(*g->monitors));
	for (size_t i = 0; i < n; i++) {
		struct json_object *path = json_object_array_get_idx(all, i);

		if (!json_object_is_type(path, json_type_string))
			continue;
		g->monitors[g->n_monitors++] = (struct monitor){
			.kind = MONITOR_QMP,
			.path = xstrdup(json_object_get_string(path)),
		};
	}
}

static int restore_source(struct run *r, const struct journal_view *v,
			  struct err *err)
{
	struct guest *g = &r->guest;

	g->pid = (pid_t)number_or_0(v, "source_pid");
	g->start_ticks = number_or_0(v, "source_ticks");
	g->run_dir = text_or_null(v, "source_dir");
	g->uid = (uid_t)number_or_0(v, "uid");
	r->facts.first_status.running = truth(v, "was_running");
	restore_monitors(v, g);
	restore_moves(v, "source_moves", &g->moves);
	if (!json_object_is_type(journal_value(v, "uid"), json_type_int))
		return err_set(err, ERR_PROTOCOL,
			       "the journal does not tell \"uid\"");
	if (need_text(v, "user", &g->user, err) < 0 ||
	    need_text(v, "group", &g->group, err) < 0)
		return -1;
	return g->pid > 0 ? 0
			  : err_set(err, ERR_PROTOCOL,
				    "the journal does not tell \"source_pid\"");
}

/* It goes into a script: two numbers, or nothing. */
static char *session_or_null(const struct journal_view *v)
{
	char *text = text_or_null(v, "session");

	if (text && text[strspn(text, "0123456789 ")]) {
		free(text);
		return NULL;
	}
	return text;
}

static void restore_destination(struct run *r, const struct journal_view *v)
{
	r->dst_dir = text_or_null(v, "directory");
	r->dst_lock = text_or_null(v, "lock");
	r->dst_session = session_or_null(v);
	r->dst_machine = text_or_null(v, "destination_machine");
	r->dst_pid = (pid_t)number_or_0(v, "destination_pid");
	r->dst_ticks = number_or_0(v, "destination_ticks");
	r->dst_made = r->dst_dir && r->dst_lock;
	r->plan.monitor0 = text_or_null(v, "monitor");
	r->plan.monitor1 = text_or_null(v, "rescue");
	restore_moves(v, "moves", &r->plan.moves);
}

static void restore_settings(struct run *r, const struct journal_view *v)
{
	struct json_object *caps = journal_value(v, "capabilities");
	struct json_object *params = journal_value(v, "parameters");

	r->src.caps = json_object_get(caps);
	r->src.params = json_object_get(params);
	r->src.caps_changed = caps != NULL;
	r->src.params_changed = params != NULL;
	caps = journal_value(v, "destination_capabilities");
	r->dst.caps = json_object_get(caps);
	r->dst.caps_changed = caps != NULL;
}

int record_restore_key(struct run *r, const struct journal_view *v,
		       struct err *err)
{
	AUTO_FREE char *id = NULL;

	if (need_text(v, "run", &id, err) < 0 ||
	    need_text(v, "guest", &r->guest.name, err) < 0 ||
	    need_text(v, "key", &r->key, err) < 0)
		return -1;
	snprintf(r->id, sizeof(r->id), "%s", id);
	return 0;
}

int record_restore(struct run *r, const struct journal_view *v, struct err *err)
{
	if (record_restore_key(r, v, err) < 0 || restore_source(r, v, err) < 0)
		return -1;
	restore_destination(r, v);
	restore_settings(r, v);
	return 0;
}
