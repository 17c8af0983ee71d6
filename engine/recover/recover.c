/* SPDX-License-Identifier: MIT */
/*
 * recover: finds runs that nobody drives any more, and has each recovered.
 *
 * What concerns a source alone comes first: a guest that is stopped waits for
 * no other host, neither its own run's nor that of another run. Of several runs
 * those that are undone whatever their destination says are undone on this side
 * in a first round; the second begins with the first word to anybody.
 */
#include "engine/recover/recover.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/recover/recover_one.h"
#include "engine/run/departed_names.h"
#include "engine/run/reach.h"
#include "engine/run/run.h"
#include "engine/state/journal.h"
#include "engine/state/journal_identity.h"
#include "engine/state/stale.h"
#include "engine/state/state_dir.h"
#include "qmp/json.h"
#include "transport/base/log.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"

/* What is to be recovered, and where its journals are. */
struct search {
	const struct recover_options *opt;
	const char *state;
	enum guest_meant least; /* of the word; another's guest if no own is */
};

/* Whether the word is that text of a run, or USER/ and the text. */
static bool is_text_of(const struct journal_view *v, const char *key,
		       const char *word)
{
	struct json_object *o = journal_value(v, key);
	struct guest_id g = journal_guest(v);

	if (!json_object_is_type(o, json_type_string))
		return false;
	g.name = json_object_get_string(o);
	g.uuid = NULL;
	return guest_id_meant(&g, word, g.uid) == GUEST_MEANT;
}

/* Whether the word means the guest of an unfinished run. */
static enum guest_meant how_meant(const struct recover_options *opt,
				  const struct journal_view *v)
{
	const struct guest_id g = journal_guest(v);

	if (journal_record_is_final(journal_state(v)) || !v->n)
		return GUEST_NOT_MEANT;
	if (!opt->word || is_text_of(v, "run", opt->word) ||
	    is_text_of(v, "key", opt->word))
		return GUEST_MEANT;
	return guest_id_meant(&g, opt->word, geteuid());
}

static bool is_meant(const struct search *s, const struct journal_view *v)
{
	return how_meant(s->opt, v) >= s->least;
}

static bool names_run(const char *word, const char *run)
{
	const char *slash = strchr(word, '/');

	return !strcmp(word, run) || (slash && !strcmp(slash + 1, run));
}

/* What cannot be read may be about any guest, so nobody may overlook it. */
static void report_unreadable(const struct recover_options *opt,
			      const char *dir, struct err *err,
			      struct recoveries *list)
{
	const char *run = strrchr(dir, '/') + 1;
	struct recovery *r;

	if (opt->word && !names_run(opt->word, run))
		return;
	list->v = xrealloc(list->v, list->n + 1, sizeof(*list->v));
	r = &list->v[list->n++];
	*r = (struct recovery){
		.verdict = VERDICT_HOLD,
		.journal = JOURNAL_RECORDS,
	};
	result_init(&r->result);
	r->result.run = xstrdup(run);
	r->result.guest = xasprintf("the guest of %s", run);
	r->result.source = xstrdup("this host");
	err_wrap(err, ERR_UNDECIDED, "the journal of %s cannot be trusted",
		 run);
	err_hint(err, "look on both hosts where its guest runs; then remove %s",
		 dir);
	err_move(&r->result.error, err);
}

/* A source that is noted while it lives, to be watched afterwards. */
struct noting {
	const char *state, *run;
	struct sentry *sentry;
};

static void note_source(void *arg)
{
	struct noting *n = arg;
	AUTO_ERR struct err e = { 0 };

	n->sentry = sentry_new(n->state, n->run, &e);
	if (!n->sentry)
		log_info(NULL, "the source cannot be watched later: %s",
			 e.message);
}

/* @state: NULL if nothing is to be watched. Nobody waits for the noting. */
static void recover_watched(const char *state, struct recovering *c,
			    struct recoveries *list)
{
	struct noting n = { .state = state,
			    .run = strrchr(c->run_dir, '/') + 1 };
	struct task *t =
		state ? task_start(task_loop(), "source", note_source, &n)
		      : NULL;

	recover_one(c);
	if (t)
		task_join(t);
	if (!n.sentry || !recovery_has_moved(c->out)) {
		sentry_free(n.sentry);
		return;
	}
	list->sentries = xrealloc(list->sentries, list->n_sentries + 1,
				  sizeof(struct sentry *));
	list->sentries[list->n_sentries++] = n.sentry;
}

/* @c, whose journal was read, into @out. */
static void begin(struct recovering *c, struct recovery *out,
		  const struct recover_options *opt)
{
	recover_one_init(c, out);
	c->opt.ssh = opt->ssh;
	if (c->becomes)
		c->opt.ssh.become = HOST_BECOME_SUDO;
	c->warm = opt->warm;
	c->choice = opt->choice;
	c->opt.state_dir = opt->state_dir;
	c->opt.sink = opt->sink;
	c->opt.sink_arg = opt->sink_arg;
}

/* @early: what a first round has done of it, or NULL. */
static void recover_journal(const struct search *s, const char *run,
			    const struct strv *early, struct recoveries *list)
{
	const struct recover_options *opt = s->opt;
	AUTO_FREE char *path = state_dir_journal(s->state, run);
	AUTO_FREE char *dir = state_dir_run(s->state, run);
	struct recovering c = { .own = { .path = path }, .run_dir = dir };
	AUTO_ERR struct err err = { 0 };

	if (journal_read(path, &c.own.view, &err) < 0) {
		if (errno != ENOENT)
			report_unreadable(opt, dir, &err, list);
	} else if (is_meant(s, &c.own.view)) {
		list->v = xrealloc(list->v, list->n + 1, sizeof(*list->v));
		begin(&c, &list->v[list->n++], opt);
		if (early)
			strv_push_all(&c.out->did, early);
		recover_watched(opt->watch ? s->state : NULL, &c, list);
		if (c.own.finished)
			recovery_free(&list->v[--list->n]);
	}
	recover_one_fini(&c);
}

/* What concerns the source of a run alone; *did: sentences about it. */
static void recover_source(const struct search *s, const char *run,
			   struct strv *did_early)
{
	AUTO_FREE char *path = state_dir_journal(s->state, run);
	AUTO_FREE char *dir = state_dir_run(s->state, run);
	struct recovering c = {
		.own = { .path = path, .at_once = true },
		.run_dir = dir,
		.early = true,
	};
	struct recovery out;

	if (journal_read(path, &c.own.view, NULL) == 0 &&
	    is_meant(s, &c.own.view)) {
		begin(&c, &out, s->opt);
		recover_one(&c);
		*did_early = out.did;
		out.did = (struct strv){ .v = NULL };
		recovery_free(&out);
	}
	recover_one_fini(&c);
}

/* This host's; @run_root may be NULL. */
static int find_directories(const struct recover_options *opt, char **state,
			    char **run_root, struct err *err)
{
	struct host_facts facts = { 0 };
	int rc = probe_here(&facts, mono_in_ms(RUN_SCRIPT_MS), err);

	if (rc == 0)
		*state = xstrdup(opt->state_dir ? opt->state_dir
						: facts.state_root);
	if (rc == 0 && run_root)
		*run_root = xstrdup(facts.run_root);
	host_facts_free(&facts);
	return rc;
}

char *recover_journal_path(const char *state_dir, const char *run,
			   struct err *err)
{
	const struct recover_options opt = { .state_dir = state_dir };
	AUTO_FREE char *state = NULL;

	if (find_directories(&opt, &state, NULL, err) != 0)
		return NULL;
	return state_dir_journal(state, run);
}

/* Of guests that an earlier run brought here, and that are no more. */
static void sweep_departed(void)
{
	struct host *here = host_local_new();

	departed_names_sweep_host(here);
	host_close(here);
}

/* The users of the runs that are meant. */
struct users {
	uid_t v[2]; /* two are too many */
	char *names[2];
	size_t n;
};

static void add_user(struct users *u, const struct guest_id *g)
{
	if (u->n == ARRAY_SIZE(u->v) || (u->n && u->v[0] == g->uid))
		return;
	u->v[u->n] = g->uid;
	u->names[u->n++] = g->user && *g->user
				   ? xstrdup(g->user)
				   : xasprintf("%u", (unsigned int)g->uid);
}

/* Notes @run if it is meant as surely as those before it, or more so. */
static void judge_run(struct search *s, const char *run,
		      const struct journal_view *v, struct strv *meant,
		      struct users *users)
{
	const struct guest_id g = journal_guest(v);
	enum guest_meant how = how_meant(s->opt, v);

	if (how == GUEST_NOT_MEANT || how < s->least)
		return;
	if (how > s->least) {
		strv_free(meant);
		for (size_t i = 0; i < users->n; i++)
			free(users->names[i]);
		users->n = 0;
	}
	s->least = how;
	strv_push(meant, run);
	add_user(users, &g);
}

/*
 * The guest of one user is meant, as everywhere; without a word those of all.
 */
static int check_users(const struct search *s, const struct users *u,
		       struct err *err)
{
	if (u->n < 2 || s->least == GUEST_MEANT)
		return 0;
	err_set(err, ERR_AMBIGUOUS,
		"it is ambiguous whose %s is meant: guests of %s and %s that "
		"are called so have unfinished runs",
		s->opt->word, u->names[0], u->names[1]);
	return err_hint(err, "say whose: vmferry recover %s/%s", u->names[0],
			s->opt->word);
}

static int find_meant(struct search *s, struct dirent *const *names, int n,
		      struct strv *meant, struct err *err)
{
	struct users users = { .n = 0 };
	int rc;

	s->least = GUEST_MEANT_MAYBE;
	for (int i = 0; i < n; i++) {
		const char *run = names[i]->d_name;
		AUTO_FREE char *path = state_dir_journal(s->state, run);
		struct journal_view v = { .v = NULL };

		if (run[0] != '.' && journal_read(path, &v, NULL) == 0)
			judge_run(s, run, &v, meant, &users);
		journal_view_free(&v);
	}
	rc = check_users(s, &users, err);
	for (size_t i = 0; i < users.n; i++)
		free(users.names[i]);
	return rc;
}

/*
 * What a person decided holds for one run: the word must not mean two, as the
 * name of a guest can.
 */
static int check_choice(const struct recover_options *opt,
			const struct strv *meant, struct err *err)
{
	AUTO_FREE char *runs = NULL;

	if (opt->choice == CHOICE_NONE || meant->n < 2)
		return 0;
	runs = strv_join(meant, ", ");
	err_set(err, ERR_AMBIGUOUS,
		"--force-source decides about one run, and %s has several "
		"unfinished ones: %s",
		opt->word, runs);
	return err_hint(err, "give one of them in place of %s", opt->word);
}

/* What each run needs on this side; one alone begins with that anyway. */
static struct strv *recover_sources(const struct search *s,
				    const struct strv *meant)
{
	struct strv *early = xcalloc(meant->n + 1, sizeof(*early));

	for (size_t i = 0; meant->n > 1 && i < meant->n; i++)
		recover_source(s, meant->v[i], &early[i]);
	return early;
}

static const struct strv *find_early(const struct strv *meant,
				     const struct strv *early, const char *run)
{
	for (size_t i = 0; i < meant->n; i++) {
		if (!strcmp(meant->v[i], run))
			return &early[i];
	}
	return NULL;
}

static void recover_all(const struct search *s, const char *run_root,
			const struct strv *meant, struct dirent *const *names,
			int n, struct recoveries *out)
{
	struct strv *early = recover_sources(s, meant);
	bool busy = stale_is_busy(run_root);

	for (int i = 0; i < n; i++) {
		const char *run = names[i]->d_name;

		if (run[0] == '.')
			continue;
		recover_journal(s, run, find_early(meant, early, run), out);
		stale_journal(s->state, run, run_root, busy);
	}
	for (size_t i = 0; i < meant->n; i++)
		strv_free(&early[i]);
	free(early);
}

int recover_run(const struct recover_options *opt, struct recoveries *out,
		struct err *err)
{
	AUTO_STRV struct strv meant = { .v = NULL };
	AUTO_FREE char *state = NULL;
	AUTO_FREE char *runs = NULL;
	AUTO_FREE char *run_root = NULL;
	AUTO_FREE char *arrivals = NULL;
	struct search search = { .opt = opt };
	struct dirent **names = NULL;
	int n, rc;

	if (find_directories(opt, &state, &run_root, err) != 0)
		return -1;
	runs = state_dir_runs(state);
	arrivals = state_dir_arrivals(run_root);
	arrivals_read(arrivals, &out->arrivals);
	if (access(runs, F_OK) == 0 && state_dir_trust(runs, err) < 0)
		return -1;
	n = scandir(runs, &names, NULL, alphasort);
	if (n < 0 && errno != ENOENT)
		return err_sys(err, errno, "cannot read %s", runs);
	search.state = state;
	rc = find_meant(&search, names, n, &meant, err);
	if (rc == 0)
		rc = check_choice(opt, &meant, err);
	if (rc == 0)
		recover_all(&search, run_root, &meant, names, n, out);
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	stale_locks(run_root);
	sweep_departed();
	return rc;
}

void recoveries_free(struct recoveries *list)
{
	for (size_t i = 0; i < list->n; i++)
		recovery_free(&list->v[i]);
	free(list->v);
	for (size_t i = 0; i < list->n_sentries; i++)
		sentry_free(list->sentries[i]);
	free(list->sentries);
	arrivals_free(&list->arrivals);
	*list = (struct recoveries){ .v = NULL };
}
