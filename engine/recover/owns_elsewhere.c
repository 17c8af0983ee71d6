/* SPDX-License-Identifier: MIT */
/* owns_elsewhere: whether the host that a guest was moved to has it still. */
#include "engine/recover/owns_elsewhere.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/guest/discover.h"
#include "engine/hosts/guest_id.h"
#include "engine/hosts/probe.h"
#include "engine/run/run.h"
#include "engine/state/state_dir.h"
#include "transport/base/log.h"
#include "transport/base/path_part.h"
#include "transport/base/xalloc.h"
#include "transport/host_open.h"
#include "transport/quote.h"

struct asking {
	const struct moved *m;
	const struct identity_space *here;
	struct host *host;
	char *back; /* the run that has brought it back here */
	struct err *err;
	bool found;
};

/* --- is it that guest? ---------------------------------------------------- */

enum match { MATCH_NOT, MATCH_UNKNOWN, MATCH_IT };

static bool is_text(const char *a, const char *b)
{
	return a && b && *a && !strcasecmp(a, b);
}

static enum match match_key(const struct moved *m, const char *key)
{
	if (!*key)
		return MATCH_UNKNOWN;
	return is_text(key, m->key) || is_text(key, m->there_key) ? MATCH_IT
								  : MATCH_NOT;
}

/* A UUID decides, where both have one. @key: of the name, or "". */
static enum match match(const struct moved *m, const char *key,
			const char *uuid)
{
	if (!guest_id_has_uuid(uuid))
		return match_key(m, key);
	if (is_text(uuid, m->uuid) || is_text(uuid, m->there_uuid))
		return MATCH_IT;
	return guest_id_has_uuid(m->uuid) || guest_id_has_uuid(m->there_uuid)
		       ? MATCH_NOT
		       : match_key(m, key);
}

/* --- what runs there ------------------------------------------------------ */

static int refuse(struct asking *a, const char *hint)
{
	a->found = true;
	return err_hint(a->err, "%s", hint);
}

static int refuse_unknown(struct asking *a, const char *what)
{
	err_wrap(a->err, ERR_REFUSED, "it cannot be told whether %s %s",
		 a->m->guest, what);
	err_at_host(a->err, host_name(a->host));
	return refuse(a, "look there, and end what it may be; then claim it");
}

static void judge_guest(struct asking *a, const struct guest *g)
{
	bool same = a->m->pid > 0 && g->pid == a->m->pid &&
		    g->start_ticks == a->m->ticks;
	AUTO_FREE char *key = g->name ? path_part(g->name) : xstrdup("");
	enum match how = same ? MATCH_IT : match(a->m, key, g->uuid);

	if (how == MATCH_NOT || a->found)
		return;
	if (how == MATCH_UNKNOWN) {
		AUTO_FREE char *what = xasprintf(
			"is process %d there, which has neither name nor UUID",
			(int)g->pid);

		(void)refuse_unknown(a, what);
		return;
	}
	err_set(a->err, ERR_REFUSED, "%s runs on %s (pid %d)", a->m->guest,
		a->m->destination, (int)g->pid);
	(void)refuse(a, "migrate it back from there, or end it there first");
}

static void look_at_guests(struct asking *a)
{
	struct guests list = { 0 };

	if (discover_guests(a->host, &list, mono_in_ms(RUN_SCRIPT_MS), a->err) <
	    0)
		(void)refuse_unknown(a, "runs there");
	for (size_t i = 0; i < list.n; i++)
		judge_guest(a, &list.v[i]);
	if (!a->found && list.left_out) {
		AUTO_FREE char *what = xasprintf(
			"is one of %zu processes there that were not read",
			list.left_out);

		(void)refuse_unknown(a, what);
	}
	guests_free(&list);
}

/* --- marks of its own ----------------------------------------------------- */

static bool judge_mark(void *arg, const struct moved *m)
{
	struct asking *a = arg;

	if (match(a->m, m->key, m->uuid) != MATCH_IT)
		return false;
	if (identity_has_id(a->here, m->machine) || is_text(m->run, a->back)) {
		free(STEAL(a->back));
		a->back = xstrdup(m->run);
		return false;
	}
	err_set(a->err, ERR_REFUSED,
		m->leaving ? "%s is being moved on from %s to %s (%s)"
			   : "%s was moved on from %s to %s (%s)",
		a->m->guest, a->m->destination, m->destination, m->run);
	(void)refuse(a, "migrate it back from there; if it runs there no more, "
			"claim it on the host between first");
	return true;
}

static void look_at_marks(struct asking *a, const struct host_facts *facts)
{
	AUTO_FREE char *moved = state_dir_moved(facts->state_root);
	AUTO_FREE char *away = state_dir_away(facts->state_root);
	AUTO_FREE char *of_root = state_dir_away(state_dir_of_root);
	const char *const places[] = { moved, away, of_root };
	AUTO_BUF struct buf script = { 0 };
	AUTO_BUF struct buf out = { 0 };

	buf_printf(&script, "%s", moved_marks_sh);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		buf_printf(&script, "marks ");
		quote_word(&script, places[i]);
		buf_printf(&script, " || { echo cannot read ");
		quote_word(&script, places[i]);
		buf_printf(&script, " >&2; exit 1; }\n");
	}
	if (probe_script(a->host, "marks", buf_data(&script), &out,
			 mono_in_ms(RUN_SCRIPT_MS), a->err) < 0)
		(void)refuse_unknown(a, "was moved on from there");
	else
		moved_each(buf_data(&out), judge_mark, a);
}

/* --- the host ------------------------------------------------------------- */

static enum owns_elsewhere ask(struct asking *a)
{
	struct host_facts facts = { 0 };
	enum owns_elsewhere answer = OWNS_ELSEWHERE_SILENT;

	if (probe_host(a->host, &facts, mono_in_ms(RUN_SCRIPT_MS), a->err) <
	    0) {
		(void)refuse_unknown(a, "runs there");
		answer = OWNS_ELSEWHERE_THERE;
	} else if (!a->m->machine || !*a->m->machine ||
		   identity_has_id(&facts.space, a->m->machine)) {
		/* by that name another machine may answer now */
		look_at_guests(a);
		if (!a->found)
			look_at_marks(a, &facts);
		answer = a->found ? OWNS_ELSEWHERE_THERE : OWNS_ELSEWHERE_NOT;
	}
	host_facts_free(&facts);
	return answer;
}

enum owns_elsewhere owns_elsewhere_ask(const struct moved *m,
				       const struct identity_space *here,
				       const struct host_options *ssh,
				       struct err *err)
{
	struct asking a = { .m = m, .here = here, .err = err };
	enum owns_elsewhere answer = OWNS_ELSEWHERE_SILENT;

	a.host =
		host_open(m->destination, ssh, mono_in_ms(RUN_CONNECT_MS), err);
	if (a.host) {
		answer = ask(&a);
	} else {
		log_info(NULL, "%s does not answer: %s", m->destination,
			 err->message);
		err_reset(err);
	}
	host_close(a.host);
	free(a.back);
	return answer;
}
