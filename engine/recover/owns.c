/* SPDX-License-Identifier: MIT */
/* owns: whether this host may run a guest. */
#include "engine/recover/owns.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/event/result.h"
#include "engine/guest/discover.h"
#include "engine/hosts/probe.h"
#include "engine/recover/owns_elsewhere.h"
#include "engine/recover/owns_journals.h"
#include "engine/recover/owns_unit.h"
#include "engine/recover/owns_users.h"
#include "engine/run/run.h"
#include "engine/state/state_dir.h"
#include "qmp/json.h"
#include "qmp/json_fields.h"
#include "transport/base/xalloc.h"
#include "transport/host_local.h"

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
	strv_free(&o->notes);
	err_reset(&o->why);
}

/* What is asked, and of whom. */
struct asking {
	const struct owns_options *opt;
	const char *word; /* the guest: as it was given, or with its user */
	char *of_unit;	  /* that word, where a unit says whose it is */
	char *state;
	struct host_facts facts; /* of this host */
	enum guest_meant match;	 /* of the journals that count now */
	bool own;		 /* there was a journal of the asker's guest */
	struct moved another;	 /* a mark of another user's, or .run NULL */
	bool marked;		 /* by a mark that this user may remove */
	bool of_root;		 /* what root has published says so */
	struct guest_user who;	 /* of whom root asks */
	bool is_roots; /* the unit that asks starts a guest of root's */
	struct owns *out;
};

static void undecided(struct asking *a, struct err *why)
{
	a->out->answer = OWNS_UNDECIDED;
	err_move(&a->out->why, why);
}

static void look_at_journals(struct asking *a)
{
	struct owns_journals j = {
		.state = a->state,
		.word = a->word,
		.here = &a->facts.space,
		.match = a->match,
		.moved = &a->out->moved,
	};
	AUTO_ERR struct err e = { 0 };
	enum owns_answer answer = owns_journals_look(&j, &e);

	a->own = a->own || j.own;
	if (answer == OWNS_UNDECIDED)
		undecided(a, &e);
	else if (answer == OWNS_MOVED)
		a->out->answer = answer;
}

/* --- the asker ------------------------------------------------------------ */

/* What root asks for in a unit without saying whose it is. */
static void ask_unit(struct asking *a)
{
	AUTO_FREE char *user = NULL;

	if (geteuid() || strchr(a->word, '/'))
		return;
	switch (owns_unit_ask(&user)) {
	case OWNS_UNIT_USER:
		a->of_unit = xasprintf("%s/%s", user, a->word);
		a->word = a->of_unit;
		break;
	case OWNS_UNIT_ROOT:
		a->is_roots = true;
		break;
	default:
		break;
	}
}

static int begin(struct asking *a, struct err *err)
{
	const char *word = a->opt->guest;

	a->word = word;
	*a->out = (struct owns){ .answer = OWNS_HERE };
	if (!*word || !strncmp(word, "pid:", 4) || !strncmp(word, "qmp:", 4)) {
		err_set(err, ERR_USAGE,
			"\"%s\" names no guest that may be "
			"elsewhere",
			word);
		return err_hint(err,
				"give its name (QEMU's -name) or its UUID");
	}
	ask_unit(a);
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
	moved_free(&a->another);
	guest_user_free(&a->who);
	free(a->of_unit);
	free(a->state);
}

/* Whether a guest of the asker's that is called so runs here. */
static bool is_here(const struct asking *a)
{
	struct host *h = host_local_new();
	struct guests list = { 0 };
	bool found = false;

	(void)discover_guests(h, &list, mono_in_ms(RUN_SCRIPT_MS), NULL);
	for (size_t i = 0; i < list.n; i++) {
		const struct guest_id g = guest_id(&list.v[i]);

		found = found ||
			(g.uid == geteuid() &&
			 guest_id_meant(&g, a->word, g.uid) == GUEST_MEANT);
	}
	guests_free(&list);
	host_close(h);
	return found;
}

/* --- marks ---------------------------------------------------------------- */

static bool is_anothers(const struct asking *a, const struct moved *m)
{
	return moved_meant(m, a->word) != GUEST_MEANT;
}

/* Takes @m, a mark of another user's guest, over. The first one is kept. */
static void set_aside(struct asking *a, struct moved *m)
{
	if (a->another.run)
		return;
	a->another = *m;
	*m = (struct moved){ .run = NULL };
}

static void take_mark(struct asking *a, struct moved *m)
{
	a->out->answer = OWNS_MOVED;
	a->marked = true;
	moved_free(&a->out->moved);
	a->out->moved = *m;
	*m = (struct moved){ .run = NULL };
}

static void look_at_mark(struct asking *a)
{
	AUTO_ERR struct err e = { 0 };
	struct moved m;
	int found = moved_find(a->state, a->word, &m, &e);

	if (found < 0)
		undecided(a, &e);
	else if (found && is_anothers(a, &m))
		set_aside(a, &m);
	else if (found)
		take_mark(a, &m);
	moved_free(&m);
}

/* Its journal, where that can be read, says more. */
static bool has_journal(const struct asking *a, const struct moved *m)
{
	AUTO_FREE char *path = state_dir_journal(a->state, m->run);

	return access(path, F_OK) == 0;
}

static void take_published(struct asking *a, struct moved *m)
{
	AUTO_ERR struct err e = { 0 };

	if (!m->leaving) {
		take_mark(a, m);
		return;
	}
	if (has_journal(a, m))
		return;
	err_set(&e, ERR_UNDECIDED, "%s to %s is unfinished", m->run,
		m->destination);
	err_hint(&e,
		 "vmferry recover %s, by the user who began it and with that "
		 "run's --state-dir, finishes or undoes it",
		 a->word);
	undecided(a, &e);
}

static void refuse_unread(struct asking *a, const char *state, struct err *e)
{
	err_wrap(e, ERR_UNDECIDED, "it is not known whether %s was moved away",
		 a->word);
	err_hint(e,
		 "root lets every user ask: chmod 711 %s, and chmod 755 "
		 "%s/away if that is there",
		 state, state);
	undecided(a, e);
}

/* What was published in @state, if nothing else has answered. */
static void look_at_published(struct asking *a, const char *state)
{
	AUTO_ERR struct err e = { 0 };
	struct moved m;
	int found;

	if (a->out->answer != OWNS_HERE)
		return;
	found = moved_find_published(state, a->word, &m, &e);
	if (found < 0)
		refuse_unread(a, state, &e);
	else if (found && is_anothers(a, &m))
		set_aside(a, &m);
	else if (found)
		take_published(a, &m);
	moved_free(&m);
}

static void look_at_all_published(struct asking *a)
{
	look_at_published(a, a->facts.state_root);
	if (a->out->answer != OWNS_HERE ||
	    !strcmp(a->facts.state_root, state_dir_of_root))
		return;
	look_at_published(a, state_dir_of_root);
	a->of_root = a->out->answer == OWNS_MOVED;
}

/* --- what other users have moved ------------------------------------------ */

static void refuse_several(struct asking *a)
{
	const struct moved *m = &a->another;
	AUTO_ERR struct err e = { 0 };

	err_set(&e, ERR_UNDECIDED,
		"it is ambiguous whose %s is meant: guests of several users "
		"that are called so have been moved",
		a->word);
	err_hint(&e, "say whose: vmferry owns %s/%s, or root/%s for root's own",
		 *m->user ? m->user : "USER", a->word, a->word);
	undecided(a, &e);
}

/* By what root has recorded of another user's guest. */
static void answer_by_root(struct asking *a)
{
	if (a->another.run && a->another.is_one_of_several)
		refuse_several(a);
	else if (a->another.run)
		take_published(a, &a->another);
	a->match = GUEST_MEANT_MAYBE;
	if (a->out->answer != OWNS_UNDECIDED)
		look_at_journals(a);
}

/* By what that user has published. */
static void answer_for_user(struct asking *a)
{
	AUTO_ERR struct err e = { 0 };
	struct moved m;
	int found = owns_users_find(&a->who, &m, &e);

	if (found < 0) {
		undecided(a, &e);
	} else if (found && m.leaving) {
		err_set(&e, ERR_UNDECIDED, "%s to %s is unfinished", m.run,
			m.destination);
		err_hint(&e, "vmferry recover %s finishes or undoes it",
			 a->word);
		undecided(a, &e);
	} else if (found) {
		a->out->answer = OWNS_MOVED;
		a->out->moved = m;
		m = (struct moved){ .run = NULL };
	}
	moved_free(&m);
}

/* By what any user has published. */
static void answer_by_users(struct asking *a)
{
	AUTO_ERR struct err e = { 0 };

	if (owns_users_search(a->word, &a->out->notes, &e) < 0)
		undecided(a, &e);
}

static void answer_for_another(struct asking *a)
{
	if (is_here(a))
		return;
	answer_by_root(a);
	if (a->out->answer == OWNS_HERE && !strchr(a->word, '/'))
		answer_by_users(a);
}

/* -1 with @err, ERR_USAGE, when nobody's guest is called so. */
static int read_user(struct asking *a, struct err *err)
{
	if (guest_user_read(a->word, &a->who, err) == 0)
		return 0;
	if (err->kind != ERR_USAGE) {
		undecided(a, err);
		return 0;
	}
	/* it is a guest of the asker's that has such a name */
	if (!a->own && !is_here(a))
		return -1;
	err_reset(err);
	return 0;
}

/* --- the answer ----------------------------------------------------------- */

static int answer(struct asking *a, struct err *err)
{
	look_at_mark(a);
	a->match = GUEST_MEANT;
	if (a->out->answer != OWNS_UNDECIDED)
		look_at_journals(a);
	if (a->out->answer == OWNS_HERE && read_user(a, err) < 0)
		return -1;
	look_at_all_published(a);
	if (a->out->answer != OWNS_HERE)
		return 0;
	if (a->who.is_other)
		answer_for_user(a);
	else if (!geteuid() && !a->own && !a->is_roots)
		answer_for_another(a);
	return 0;
}

int owns_ask(const struct owns_options *opt, struct owns *out, struct err *err)
{
	struct asking a = { .opt = opt, .out = out };
	int rc = begin(&a, err);

	if (rc == 0 && a.state)
		rc = answer(&a, err);
	end(&a);
	return rc;
}

/* --- a person's word ------------------------------------------------------ */

static int forget(struct asking *a, struct err *err)
{
	const struct moved *m = &a->out->moved;

	if (moved_forget(a->state, m, err) < 0 ||
	    moved_forget(a->facts.state_root, m, err) < 0)
		return -1;
	return moved_forget_published(a->facts.state_root, m, err);
}

static void refuse_roots(struct owns *o)
{
	o->answer = OWNS_REFUSED;
	err_set(&o->why, ERR_REFUSED, "root moved %s to %s", o->moved.guest,
		o->moved.destination);
	err_hint(&o->why, "root may claim it here: vmferry owns %s/%s --claim",
		 o->moved.user, o->moved.guest);
}

static void claim(struct asking *a)
{
	struct owns *o = a->out;
	AUTO_ERR struct err e = { 0 };

	if (owns_elsewhere_ask(&o->moved, &a->facts.space, &a->opt->ssh, &e) ==
	    OWNS_ELSEWHERE_THERE) {
		o->answer = OWNS_REFUSED;
		err_move(&o->why, &e);
		return;
	}
	err_reset(&e);
	if (forget(a, &e) < 0) {
		undecided(a, &e);
	} else {
		o->answer = OWNS_HERE;
		o->claimed = true;
	}
}

static void claim_of_user(struct asking *a)
{
	static const enum owns_answer of[] = {
		[OWNS_USERS_CLAIMED] = OWNS_HERE,
		[OWNS_USERS_REFUSED] = OWNS_REFUSED,
		[OWNS_USERS_UNDECIDED] = OWNS_UNDECIDED,
	};
	AUTO_ERR struct err e = { 0 };

	a->out->answer = of[owns_users_claim(&a->who, a->opt->program, &e)];
	a->out->claimed = a->out->answer == OWNS_HERE;
	err_move(&a->out->why, &e);
}

/* When root's marks of another user's guest are gone, that user's remain. */
static void claim_rest(struct asking *a)
{
	const char *guest = a->who.is_other ? a->who.guest : a->word;
	AUTO_FREE char *word =
		xasprintf("%u/%s", (unsigned int)a->out->moved.uid, guest);
	struct moved m = { .run = NULL };

	guest_user_free(&a->who);
	if (guest_user_read(word, &a->who, NULL) == 0 && a->who.is_other &&
	    owns_users_find(&a->who, &m, NULL) != 0)
		claim_of_user(a);
	moved_free(&m);
	/* what it borrows ends here */
	a->who.guest = NULL;
}

int owns_claim(const struct owns_options *opt, struct owns *out,
	       struct err *err)
{
	struct asking a = { .opt = opt, .out = out };
	int rc = begin(&a, err);

	if (rc == 0 && a.state)
		rc = answer(&a, err);
	/* what a journal says of it is for `recover` */
	if (rc == 0 && out->answer == OWNS_MOVED && a.of_root)
		refuse_roots(out);
	else if (rc == 0 && out->answer == OWNS_MOVED && a.marked)
		claim(&a);
	else if (rc == 0 && out->answer == OWNS_MOVED && a.who.is_other)
		claim_of_user(&a);
	if (rc == 0 && out->claimed && out->moved.run && !geteuid() &&
	    out->moved.uid && a.marked)
		claim_rest(&a);
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
	json_fields_text(j, "user", m->user && *m->user ? m->user : NULL);
	json_fields_text(j, "source", m->source);
	json_fields_text(j, "destination", m->destination);
	json_fields_count(j, "moved",
			  m->moved_s > 0 ? (int64_t)m->moved_s : -1);
	j = json_add_bool(j, "claimed", o->claimed);
	json_fields_strv(j, "notes", &o->notes);
	return json_add_sub(j, "error", result_error_to_json(&o->why));
}
