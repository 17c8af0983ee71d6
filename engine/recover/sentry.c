/* SPDX-License-Identifier: MIT */
/* sentry: watches the source for a second start of a guest that has left. */
#include "engine/recover/sentry.h"

#include <stdlib.h>
#include <string.h>

#include "engine/event/event.h"
#include "engine/guest/discover.h"
#include "engine/hosts/probe.h"
#include "engine/run/run.h"
#include "engine/run/twin.h"
#include "engine/state/journal_identity.h"
#include "engine/state/journal_read.h"
#include "engine/state/moved.h"
#include "engine/state/recording.h"
#include "engine/state/state_dir.h"
#include "transport/base/log.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/host_open.h"

enum {
	LOOK_EVERY_MS = 1000,
	RECORD_TRIES = 20, /* while the engine still has its recording */
};

struct sentry {
	struct host *here;
	struct host_facts facts;
	char *state, *run;
	char *uuid;
	struct guest source;
	struct twin_of of;
	pid_t *seen;
	size_t n_seen;
};

void sentry_free(struct sentry *s)
{
	if (!s)
		return;
	host_close(s->here);
	host_facts_free(&s->facts);
	guest_free(&s->source);
	free(s->state);
	free(s->run);
	free(s->uuid);
	free(s->seen);
	free(s);
}

/* --- what it watches for -------------------------------------------------- */

static uint64_t number(const struct journal_view *v, const char *key)
{
	struct json_object *o = journal_value(v, key);

	return json_object_is_type(o, json_type_int) ? json_object_get_uint64(o)
						     : 0;
}

static void take_journal(struct sentry *s, const struct journal_view *v)
{
	struct json_object *uuid = journal_value(v, "uuid");
	const struct identity id = journal_identity(v, JOURNAL_SOURCE);
	uint64_t begun = number(v, "begun_ticks");
	/* all that runs was started later, though ticks begin anew */
	bool rebooted = identity_compare(&id.space, &s->facts.space) ==
			IDENTITY_REBOOTED;

	if (json_object_is_type(uuid, json_type_string))
		s->uuid = xstrdup(json_object_get_string(uuid));
	s->of = (struct twin_of){
		.uid = (uid_t)number(v, "uid"),
		.uuid = s->uuid,
		.pid = rebooted ? 0 : id.pid,
		.since_ticks = rebooted ? 0
			       : begun	? begun
					: id.start_ticks,
		.run_root = s->facts.run_root,
	};
}

/* A guest that has gone meanwhile is known by its UUID only. */
static void take_source(struct sentry *s, uint64_t ticks)
{
	AUTO_FREE char *word = xasprintf("pid:%d", (int)s->of.pid);

	if (!s->of.pid)
		return;
	if (discover_guest(s->here, word, &s->source, mono_in_ms(RUN_SCRIPT_MS),
			   NULL) < 0 ||
	    s->source.start_ticks != ticks)
		return;
	s->of.name = s->source.name;
	s->of.argv = &s->source.argv;
}

struct sentry *sentry_new(const char *state_dir, const char *run,
			  struct err *err)
{
	struct sentry *s = XNEW(struct sentry);
	AUTO_FREE char *journal = NULL;
	struct journal_view v = { .v = NULL };
	int rc;

	*s = (struct sentry){ .here = host_local_new(), .run = xstrdup(run) };
	rc = probe_host(s->here, &s->facts, mono_in_ms(RUN_SCRIPT_MS), err);
	if (rc == 0) {
		s->state = xstrdup(state_dir ? state_dir : s->facts.state_root);
		journal = state_dir_journal(s->state, run);
		rc = journal_read(journal, &v, err);
	}
	if (rc == 0) {
		take_journal(s, &v);
		take_source(s, number(&v, "source_ticks"));
	}
	journal_view_free(&v);
	if (rc == 0)
		return s;
	sentry_free(s);
	return NULL;
}

/* --- what it does --------------------------------------------------------- */

static char *event_of(const struct sentry *s, const char *text)
{
	const struct event ev = {
		.kind = EVENT_WARNING,
		.t = wall_now(),
		.mono = mono_now(),
		.run = s->run,
		.warning = { .name = EVENT_STARTED_AGAIN, .text = text },
	};

	return event_line(&ev);
}

static void record(const struct sentry *s, const char *text)
{
	AUTO_FREE char *line = event_of(s, text);
	AUTO_ERR struct err e = { 0 };
	int rc = -1;

	for (int i = 0; i < RECORD_TRIES && rc < 0; i++) {
		struct recording *r = recording_new_addition(s->run);

		err_reset(&e);
		recording_put(r, line, false);
		rc = recording_append(r, s->state, &e);
		recording_close(r);
		if (rc < 0 && e.kind != ERR_BUSY)
			break;
	}
	if (rc < 0)
		log_warn(NULL, "this is not recorded: %s", e.message);
}

static bool is_new(struct sentry *s, pid_t pid)
{
	for (size_t i = 0; i < s->n_seen; i++) {
		if (s->seen[i] == pid)
			return false;
	}
	s->seen = xrealloc(s->seen, s->n_seen + 1, sizeof(*s->seen));
	s->seen[s->n_seen++] = pid;
	return true;
}

/* Each once: what its user does with it then is the user's. */
void sentry_look(struct sentry *s, struct strv *out)
{
	struct guests twins;

	if (twin_find(s->here, &s->of, &twins, mono_in_ms(RUN_SCRIPT_MS),
		      NULL) < 0)
		return;
	for (size_t i = 0; i < twins.n; i++) {
		char *text;

		if (!is_new(s, twins.v[i].pid))
			continue;
		text = twin_handle(s->here, &twins.v[i]);
		log_warn(NULL, "%s: %s", s->run, text);
		strv_take(out, text);
	}
	guests_free(&twins);
}

void sentry_watch(struct sentry *s, double seconds)
{
	struct mono until = mono_in_ms((int64_t)(seconds * 1e3));
	bool marked = moved_is_marked(s->state, s->run);

	while (mono_before(mono_now(), until) &&
	       (!marked || moved_is_marked(s->state, s->run))) {
		AUTO_STRV struct strv found = { 0 };

		sentry_look(s, &found);
		for (size_t i = 0; i < found.n; i++)
			record(s, found.v[i]);
		if (task_sleep_until(mono_min(until, mono_in_ms(LOOK_EVERY_MS)),
				     NULL) < 0)
			return;
	}
}
