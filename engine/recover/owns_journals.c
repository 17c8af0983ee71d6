/* SPDX-License-Identifier: MIT */
/* owns_journals: what the journals of unfinished runs say of a guest. */
#include "engine/recover/owns_journals.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "engine/state/journal_identity.h"
#include "engine/state/journal_read.h"
#include "engine/state/state_dir.h"
#include "engine/state/unfinished.h"
#include "transport/base/xalloc.h"

struct search {
	struct owns_journals *j;
	enum owns_answer answer;
	struct err *why;
};

static void undecided(struct search *s, struct err *why)
{
	s->answer = OWNS_UNDECIDED;
	err_move(s->why, why);
}

static const char *text_of(const struct journal_view *v, const char *key)
{
	struct json_object *o = journal_value(v, key);

	return json_object_is_type(o, json_type_string)
		       ? json_object_get_string(o)
		       : "";
}

static bool is_about(struct search *s, const struct journal_view *v)
{
	const struct guest_id g = journal_guest(v);
	enum guest_meant meant = guest_id_meant(&g, s->j->word, geteuid());

	s->j->own = s->j->own || meant == GUEST_MEANT;
	return meant == s->j->match;
}

static void take_move(struct search *s, const char *run,
		      const struct journal_view *v)
{
	struct moved *m = s->j->moved;

	s->answer = OWNS_MOVED;
	if (m->run)
		return;
	*m = (struct moved){
		.run = xstrdup(run),
		.guest = xstrdup(text_of(v, "guest")),
		.uuid = xstrdup(text_of(v, "uuid")),
		.uid = journal_guest(v).uid,
		.user = xstrdup(text_of(v, "user")),
		.source = xstrdup(text_of(v, "source")),
		.destination = xstrdup(text_of(v, "destination")),
		.machine = xstrdup(text_of(v, "destination_machine")),
	};
}

/* Seen running on the destination, it is away whatever is left to do. */
static void judge(struct search *s, const char *run,
		  const struct journal_view *v)
{
	const struct identity from = journal_identity(v, JOURNAL_SOURCE);
	AUTO_ERR struct err e = { 0 };

	if (!v->n || journal_record_is_final(journal_state(v)) ||
	    !is_about(s, v) || identity_other_machine(&from.space, s->j->here))
		return;
	if (journal_state(v) == JOURNAL_DESTRUN) {
		take_move(s, run, v);
		return;
	}
	if (unfinished_is_rest(v, s->j->here))
		return;
	err_set(&e, ERR_UNDECIDED,
		"%s to %s is unfinished: its journal says "
		"%s last",
		run, text_of(v, "destination"),
		journal_record_name(journal_state(v)));
	err_hint(&e,
		 "vmferry recover %s finishes or undoes it, unless its "
		 "engine or guardian does so first",
		 s->j->word);
	undecided(s, &e);
}

static void look_at(struct search *s, const char *run)
{
	AUTO_FREE char *path = state_dir_journal(s->j->state, run);
	AUTO_ERR struct err e = { 0 };
	struct journal_view v;

	if (journal_read(path, &v, &e) == 0) {
		judge(s, run, &v);
	} else if (errno != ENOENT) {
		err_wrap(&e, ERR_UNDECIDED,
			 "the journal of %s cannot be trusted, and may be "
			 "about %s",
			 run, s->j->word);
		err_hint(&e, "vmferry recover %s says what to do", run);
		undecided(s, &e);
	}
	journal_view_free(&v);
}

static void look_at_all(struct search *s)
{
	AUTO_FREE char *runs = state_dir_runs(s->j->state);
	AUTO_ERR struct err e = { 0 };
	DIR *d = opendir(runs);
	const struct dirent *entry;

	if (!d && errno == ENOENT)
		return;
	if (!d) {
		err_sys(&e, errno, "cannot read %s", runs);
		undecided(s, &e);
		return;
	}
	while (s->answer != OWNS_UNDECIDED && (entry = readdir(d))) {
		if (entry->d_name[0] != '.')
			look_at(s, entry->d_name);
	}
	closedir(d);
}

enum owns_answer owns_journals_look(struct owns_journals *j, struct err *why)
{
	struct search s = { .j = j, .answer = OWNS_HERE, .why = why };

	look_at_all(&s);
	return s.answer;
}
