/* SPDX-License-Identifier: MIT */
/* owns_users: what ordinary users have moved, when root asks. */
#include "engine/recover/owns_users.h"

#include <string.h>

#include "engine/event/exit_code.h"
#include "engine/hosts/on_behalf.h"
#include "engine/run/run.h"
#include "engine/state/moved_user.h"
#include "qmp/json.h"
#include "transport/base/xalloc.h"

/* Such a claim asks another host. */
enum { CLAIM_MS = 120000 };

/* --- of one user ---------------------------------------------------------- */

int owns_users_find(const struct guest_user *who, struct moved *out,
		    struct err *err)
{
	AUTO_FREE char *word =
		xasprintf("%u/%s", (unsigned int)who->user.uid, who->guest);
	int found = moved_user_find(&who->user, word, out, err);

	if (found >= 0)
		return found;
	err_wrap(err, ERR_UNDECIDED,
		 "it is not known whether %s has moved %s away", who->user.name,
		 who->guest);
	return err_hint(err,
			"%s/%s is %s's, and its directories and files too; "
			"what is not goes, or is given back (chown)",
			who->user.home, moved_user_away, who->user.name);
}

/* --- of whom it is not known ---------------------------------------------- */

struct search {
	const char *word;
	struct strv *notes;
	struct strv users; /* who have such a mark */
	char *destination; /* of one of them */
};

static void look_at(struct search *s, const struct local_user *u)
{
	AUTO_ERR struct err e = { 0 };
	struct moved m;

	if (moved_user_find(u, s->word, &m, &e) < 0) {
		strv_pushf(s->notes, "marks of %s are passed over: %s", u->name,
			   e.message);
	} else if (m.run) {
		strv_push(&s->users, u->name);
		if (!s->destination)
			s->destination = xstrdup(m.destination);
	}
	moved_free(&m);
}

static int explain(const struct search *s, struct err *err)
{
	const char *first = s->users.v[0];
	AUTO_FREE char *all = strv_join(&s->users, ", ");

	if (s->users.n == 1)
		err_set(err, ERR_UNDECIDED,
			"it is not known whose %s is meant: %s has moved one "
			"away, to %s",
			s->word, first, s->destination);
	else
		err_set(err, ERR_UNDECIDED,
			"it is ambiguous whose %s is meant: %s have moved one "
			"away each",
			s->word, all);
	return err_hint(err,
			"say whose: vmferry owns %s/%s, or root/%s for root's "
			"own",
			first, s->word, s->word);
}

int owns_users_search(const char *word, struct strv *notes, struct err *err)
{
	struct search s = { .word = word, .notes = notes };
	struct local_users users;
	int rc = 0;

	if (local_users_having(moved_user_away, &users,
			       mono_in_ms(RUN_SCRIPT_MS), err) < 0)
		return err_wrap(err, ERR_UNDECIDED,
				"what users have moved is not known");
	for (size_t i = 0; i < users.silent.n; i++)
		strv_pushf(notes,
			   "marks of %s are passed over: the home directory "
			   "does not answer",
			   users.silent.v[i]);
	for (size_t i = 0; i < users.n; i++)
		look_at(&s, &users.v[i]);
	if (s.users.n)
		rc = explain(&s, err);
	local_users_free(&users);
	strv_free(&s.users);
	free(s.destination);
	return rc;
}

/* --- a claim -------------------------------------------------------------- */

/* What the user's own vmferry says is the reason. */
static void take_reason(struct on_behalf *b, struct err *err)
{
	AUTO_JSON struct json_object *o =
		json_parse(buf_data(&b->out), buf_len(&b->out), NULL);
	struct json_at all = { o, "owns" }, e = { NULL, "error" };
	const char *message = NULL, *hint = NULL;

	if (o && json_opt_object(all, "error", &e, NULL) == 0 && e.value) {
		(void)json_opt_str(e, "message", &message, NULL);
		(void)json_opt_str(e, "hint", &hint, NULL);
	}
	err_set(err, ERR_REMOTE, "%s",
		message ? message : "its answer has no reason");
	if (hint)
		err_hint(err, "%s", hint);
}

static enum owns_users_claim judge(const struct guest_user *who,
				   struct on_behalf *b, struct err *err)
{
	if (b->status == EXIT_CODE_DONE)
		return OWNS_USERS_CLAIMED;
	take_reason(b, err);
	if (b->status == EXIT_CODE_REFUSED) {
		err_wrap(err, ERR_REFUSED, "%s cannot claim %s", who->user.name,
			 who->guest);
		return OWNS_USERS_REFUSED;
	}
	err_wrap(err, ERR_UNDECIDED,
		 "vmferry owns %s --claim, with the rights of %s, ended with "
		 "status %d",
		 who->guest, who->user.name, b->status);
	return OWNS_USERS_UNDECIDED;
}

enum owns_users_claim owns_users_claim(const struct guest_user *who,
				       const char *program, struct err *err)
{
	enum owns_users_claim answer = OWNS_USERS_UNDECIDED;
	AUTO_STRV struct strv words = { .v = NULL };
	struct on_behalf b = { .status = 0 };

	strv_push(&words, "owns");
	strv_push(&words, "--claim");
	strv_push(&words, "--json");
	strv_push(&words, "--no-input");
	strv_push(&words, "--");
	strv_pushf(&words, "%s/%s", who->user.name, who->guest);
	if (on_behalf_run(&who->user, program, &words, &b, mono_in_ms(CLAIM_MS),
			  err) == 0)
		answer = judge(who, &b, err);
	on_behalf_free(&b);
	return answer;
}
