/* SPDX-License-Identifier: MIT */
/* restore: a run brought back from its journal. */
#include "engine/run/restore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/run/migrate_options.h"
#include "engine/run/run.h"
#include "engine/state/journal.h"
#include "engine/state/journal_identity.h"
#include "engine/state/journal_read.h"
#include "engine/state/recording.h"
#include "qmp/json.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"

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

static char *copy_or_null(const char *text)
{
	return text ? xstrdup(text) : NULL;
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

static void restore_uuid(struct run *r, const struct journal_view *v)
{
	AUTO_FREE char *uuid = text_or_null(v, "uuid");

	snprintf(r->source.facts.uuid, sizeof(r->source.facts.uuid), "%s",
		 uuid ? uuid : "");
}

static int restore_source(struct run *r, const struct journal_view *v,
			  struct err *err)
{
	const struct identity id = journal_identity(v, JOURNAL_SOURCE);
	struct guest *g = &r->source.guest;

	r->source.space = id.space;
	free(r->source.token_file);
	r->source.token_file = copy_or_null(id.token_file);
	g->pid = id.pid;
	g->start_ticks = id.start_ticks;
	r->source.begun_ticks = number_or_0(v, "begun_ticks");
	if (!r->source.begun_ticks)
		r->source.begun_ticks = g->start_ticks;
	g->run_dir = text_or_null(v, "source_dir");
	g->uid = (uid_t)number_or_0(v, "uid");
	r->source.facts.first_status.running = truth(v, "was_running");
	r->source.noted_running = truth(v, "was_running");
	restore_uuid(r, v);
	g->unit = text_or_null(v, "unit");
	g->user_unit = truth(v, "user_unit");
	r->source.restarts = g->unit != NULL;
	restore_monitors(v, g);
	free(r->source.monitor);
	r->source.monitor = text_or_null(v, "source_monitor");
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
	const struct identity id = journal_identity(v, JOURNAL_DESTINATION);

	r->dest.dir = text_or_null(v, "directory");
	r->dest.lock = text_or_null(v, "lock");
	r->dest.session = session_or_null(v);
	r->dest.space = id.space;
	r->dest.token_file = copy_or_null(id.token_file);
	r->dest.pid = id.pid;
	r->dest.ticks = id.start_ticks;
	r->dest.made = r->dest.dir && r->dest.lock;
	r->dest.token_left = r->dest.made && r->dest.token_file;
	r->dest.plan.monitor0 = text_or_null(v, "monitor");
	r->dest.plan.monitor1 = text_or_null(v, "rescue");
	restore_moves(v, "moves", &r->dest.plan.moves);
}

static void restore_settings(struct run *r, const struct journal_view *v)
{
	struct json_object *caps = journal_value(v, "capabilities");
	struct json_object *params = journal_value(v, "parameters");

	r->attempt.src.caps = json_object_get(caps);
	r->attempt.src.params = json_object_get(params);
	r->attempt.src.caps_changed = caps != NULL;
	r->attempt.src.params_changed = params != NULL;
	caps = journal_value(v, "destination_capabilities");
	r->attempt.dst.caps = json_object_get(caps);
	r->attempt.dst.caps_changed = caps != NULL;
}

static int restore_key(struct run *r, const struct journal_view *v,
		       struct err *err)
{
	AUTO_FREE char *id = NULL;
	AUTO_FREE char *token = NULL;

	if (need_text(v, "run", &id, err) < 0 ||
	    need_text(v, "guest", &r->source.guest.name, err) < 0 ||
	    need_text(v, "key", &r->id.key, err) < 0)
		return -1;
	r->source.guest.uid = (uid_t)number_or_0(v, "uid");
	snprintf(r->id.name, sizeof(r->id.name), "%s", id);
	token = text_or_null(v, "token");
	snprintf(r->id.token, sizeof(r->id.token), "%s", token ? token : "");
	return 0;
}

int restore_run(struct run *r, const struct journal_view *v, struct err *err)
{
	if (restore_key(r, v, err) < 0 || restore_source(r, v, err) < 0)
		return -1;
	restore_destination(r, v);
	restore_settings(r, v);
	r->attempt.migrating = journal_state(v) >= JOURNAL_MIGRATE;
	return 0;
}

int restore_open(struct run *r, const struct migrate_options *opt,
		 struct result *result, const char *dir,
		 const struct journal_view *v, struct err *err)
{
	int rc;

	run_open(r, opt, result);
	r->recovering = true;
	r->src.host = host_local_new();
	rc = probe_host(r->src.host, &r->src.facts, mono_in_ms(RUN_SCRIPT_MS),
			err);
	/* the rest is restored from what the journal says under the lock */
	if (rc == 0)
		rc = restore_key(r, v, err);
	r->held.recording = recording_new_addition(r->id.name);
	r->held.record_dir = xstrdup(dir);
	return rc;
}

void restore_enter_rollback(struct run *r)
{
	r->course.phase = PHASE_ROLLBACK;
}

void restore_committed(struct run *r)
{
	r->course.committed = true;
}
