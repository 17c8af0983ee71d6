/* SPDX-License-Identifier: MIT */
/* owns: whether this host may run a guest. */
#include "engine/recover/owns.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/event/result.h"
#include "engine/guest/discover.h"
#include "engine/hosts/probe.h"
#include "engine/run/run.h"
#include "engine/state/journal_identity.h"
#include "engine/state/journal_read.h"
#include "engine/state/state_dir.h"
#include "engine/state/unfinished.h"
#include "qmp/json.h"
#include "qmp/json_fields.h"
#include "transport/base/log.h"
#include "transport/base/xalloc.h"
#include "transport/host_open.h"

static const struct {
	const char *name;
	int code;
} answers[] = {
	[OWNS_HERE] = { "here", EXIT_CODE_DONE },
	[OWNS_MOVED] = { "moved", EXIT_CODE_MOVED_AWAY },
	[OWNS_UNDECIDED] = { "undecided", EXIT_CODE_UNDECIDED },
	[OWNS_REFUSED] = { "refused", EXIT_CODE_REFUSED },
};
static_assert(ARRAY_SIZE(answers) == OWNS_ANSWERS, "a row for each answer");

const char *owns_answer_name(enum owns_answer a)
{
	assert(a < OWNS_ANSWERS);
	return answers[a].name;
}

int owns_exit_code(enum owns_answer a)
{
	assert(a < OWNS_ANSWERS);
	return answers[a].code;
}

void owns_free(struct owns *o)
{
	moved_free(&o->moved);
	err_reset(&o->why);
}

/* What is asked, and of whom. */
struct asking {
	const struct owns_options *opt;
	char *state;
	struct host_facts facts; /* of this host */
	struct owns *out;
};

static void undecided(struct asking *a, struct err *why)
{
	a->out->answer = OWNS_UNDECIDED;
	err_move(&a->out->why, why);
}

/* --- journals ------------------------------------------------------------- */

static const char *text_of(const struct journal_view *v, const char *key)
{
	struct json_object *o = journal_value(v, key);

	return json_object_is_type(o, json_type_string)
		       ? json_object_get_string(o)
		       : "";
}

static bool is_about(const struct asking *a, const struct journal_view *v)
{
	const char *word = a->opt->guest;

	return !strcmp(text_of(v, "guest"), word) ||
	       !strcasecmp(text_of(v, "uuid"), word);
}

static void take_move(struct asking *a, const char *run,
		      const struct journal_view *v)
{
	struct moved *m = &a->out->moved;

	a->out->answer = OWNS_MOVED;
	if (m->run)
		return;
	*m = (struct moved){
		.run = xstrdup(run),
		.guest = xstrdup(text_of(v, "guest")),
		.uuid = xstrdup(text_of(v, "uuid")),
		.source = xstrdup(text_of(v, "source")),
		.destination = xstrdup(text_of(v, "destination")),
		.machine = xstrdup(text_of(v, "destination_machine")),
	};
}

/* Seen running on the destination, it is away whatever is left to do. */
static void judge(struct asking *a, const char *run,
		  const struct journal_view *v)
{
	const struct identity from = journal_identity(v, JOURNAL_SOURCE);
	AUTO_ERR struct err e = { 0 };

	if (!v->n || journal_record_is_final(journal_state(v)) ||
	    !is_about(a, v) ||
	    identity_other_machine(&from.space, &a->facts.space))
		return;
	if (journal_state(v) == JOURNAL_DESTRUN) {
		take_move(a, run, v);
		return;
	}
	if (unfinished_is_rest(v, &a->facts.space))
		return;
	err_set(&e, ERR_UNDECIDED,
		"%s to %s is unfinished: its journal says "
		"%s last",
		run, text_of(v, "destination"),
		journal_record_name(journal_state(v)));
	err_hint(&e,
		 "vmferry recover %s finishes or undoes it, unless its "
		 "engine or guardian does so first",
		 a->opt->guest);
	undecided(a, &e);
}

static void look_at(struct asking *a, const char *run)
{
	AUTO_FREE char *path = state_dir_journal(a->state, run);
	AUTO_ERR struct err e = { 0 };
	struct journal_view v;

	if (journal_read(path, &v, &e) == 0) {
		judge(a, run, &v);
	} else if (errno != ENOENT) {
		err_wrap(&e, ERR_UNDECIDED,
			 "the journal of %s cannot be trusted, and may be "
			 "about %s",
			 run, a->opt->guest);
		err_hint(&e, "vmferry recover %s says what to do", run);
		undecided(a, &e);
	}
	journal_view_free(&v);
}

static void look_at_journals(struct asking *a)
{
	AUTO_FREE char *runs = state_dir_runs(a->state);
	AUTO_ERR struct err e = { 0 };
	DIR *d = opendir(runs);
	const struct dirent *entry;

	if (!d && errno == ENOENT)
		return;
	if (!d) {
		err_sys(&e, errno, "cannot read %s", runs);
		undecided(a, &e);
		return;
	}
	while (a->out->answer != OWNS_UNDECIDED && (entry = readdir(d))) {
		if (entry->d_name[0] != '.')
			look_at(a, entry->d_name);
	}
	closedir(d);
}

/* --- the answer ----------------------------------------------------------- */

static int begin(struct asking *a, struct err *err)
{
	const char *word = a->opt->guest;

	*a->out = (struct owns){ .answer = OWNS_HERE };
	if (!*word || !strncmp(word, "pid:", 4) || !strncmp(word, "qmp:", 4)) {
		err_set(err, ERR_USAGE,
			"\"%s\" names no guest that may be "
			"elsewhere",
			word);
		return err_hint(err,
				"give its name (QEMU's -name) or its UUID");
	}
	if (probe_here(&a->facts, mono_in_ms(RUN_SCRIPT_MS), &a->out->why) < 0)
		a->out->answer = OWNS_UNDECIDED;
	else
		a->state = xstrdup(a->opt->state_dir ? a->opt->state_dir
						     : a->facts.state_root);
	return 0;
}

static void end(struct asking *a)
{
	host_facts_free(&a->facts);
	free(a->state);
}

static void answer(struct asking *a)
{
	AUTO_ERR struct err e = { 0 };
	int found = moved_find(a->state, a->opt->guest, &a->out->moved, &e);

	if (found < 0) {
		undecided(a, &e);
		return;
	}
	a->out->answer = found ? OWNS_MOVED : OWNS_HERE;
	look_at_journals(a);
}

int owns_ask(const struct owns_options *opt, struct owns *out, struct err *err)
{
	struct asking a = { .opt = opt, .out = out };
	int rc = begin(&a, err);

	if (rc == 0 && a.state)
		answer(&a);
	end(&a);
	return rc;
}

/* --- a person's word ------------------------------------------------------ */

static bool is_it(const struct moved *m, const struct guest *g)
{
	if (*m->uuid)
		return g->uuid && !strcasecmp(g->uuid, m->uuid);
	return g->name && !strcmp(g->name, m->guest);
}

/* The pid of the guest on @h; 0: it does not run there; -1: no answer. */
static pid_t pid_on(struct host *h, const struct moved *m)
{
	struct host_facts facts = { 0 };
	struct guests list = { 0 };
	pid_t pid = -1;

	/* by that name another machine may answer now */
	if (probe_host(h, &facts, mono_in_ms(RUN_SCRIPT_MS), NULL) == 0 &&
	    (!*m->machine || identity_has_id(&facts.space, m->machine)) &&
	    discover_guests(h, &list, mono_in_ms(RUN_SCRIPT_MS), NULL) == 0) {
		pid = 0;
		for (size_t i = 0; i < list.n && !pid; i++)
			pid = is_it(m, &list.v[i]) ? list.v[i].pid : 0;
	}
	guests_free(&list);
	host_facts_free(&facts);
	return pid;
}

static void refuse(struct owns *o, pid_t pid)
{
	o->answer = OWNS_REFUSED;
	err_set(&o->why, ERR_REFUSED, "%s runs on %s (pid %d)", o->moved.guest,
		o->moved.destination, (int)pid);
	err_hint(&o->why, "migrate it back from there, or end it there first");
}

static void claim(struct asking *a)
{
	struct owns *o = a->out;
	AUTO_ERR struct err e = { 0 };
	struct host *h;
	pid_t pid = -1;

	h = host_open(o->moved.destination, &a->opt->ssh,
		      mono_in_ms(RUN_CONNECT_MS), &e);
	if (h)
		pid = pid_on(h, &o->moved);
	else
		log_info(NULL, "%s does not answer: %s", o->moved.destination,
			 e.message);
	host_close(h);
	err_reset(&e);
	if (pid > 0) {
		refuse(o, pid);
	} else if (moved_forget(a->state, &o->moved, &e) < 0) {
		undecided(a, &e);
	} else {
		o->answer = OWNS_HERE;
		o->claimed = true;
	}
}

int owns_claim(const struct owns_options *opt, struct owns *out,
	       struct err *err)
{
	struct asking a = { .opt = opt, .out = out };
	int rc = begin(&a, err);

	if (rc == 0 && a.state)
		answer(&a);
	/* what a journal says of it is for `recover` */
	if (out->answer == OWNS_MOVED &&
	    moved_is_marked(a.state, out->moved.run))
		claim(&a);
	end(&a);
	return rc;
}

/* --- for programs --------------------------------------------------------- */

struct json_object *owns_to_json(const struct owns *o, const char *guest)
{
	const struct moved *m = &o->moved;
	enum owner owner = o->answer == OWNS_HERE	 ? OWNER_SOURCE
			   : o->answer == OWNS_UNDECIDED ? OWNER_UNKNOWN
							 : OWNER_DESTINATION;
	struct json_object *j = json_new();

	json_fields_text(j, "guest", guest);
	json_fields_text(j, "outcome", owns_answer_name(o->answer));
	j = json_add_i64(j, "exit_code", owns_exit_code(o->answer));
	json_fields_text(j, "owner", owner_name(owner));
	json_fields_text(j, "run", m->run);
	json_fields_text(j, "uuid", m->uuid && *m->uuid ? m->uuid : NULL);
	json_fields_text(j, "source", m->source);
	json_fields_text(j, "destination", m->destination);
	json_fields_count(j, "moved",
			  m->moved_s > 0 ? (int64_t)m->moved_s : -1);
	j = json_add_bool(j, "claimed", o->claimed);
	return json_add_sub(j, "error", result_error_to_json(&o->why));
}
