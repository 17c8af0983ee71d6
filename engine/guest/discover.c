/* SPDX-License-Identifier: MIT */
/* discover: finds the QEMU processes of a host from its /proc. */
#include "engine/guest/discover.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/guest/discover_script.h"
#include "engine/hosts/answer.h"
#include "engine/hosts/guest_id.h"
#include "engine/hosts/proc_ask.h"
#include "engine/hosts/proc_stat.h"
#include "transport/base/xalloc.h"

enum { MAX_OUTPUT_BYTES = 256 << 20 };

/* --- asking the host ----------------------------------------------------- */

/* Runs a script with @args (NULL-terminated, at most 63). */
static int run_script(struct host *h, const char *script,
		      const char *const *args, struct mono deadline,
		      struct host_result *r, struct err *err)
{
	const char *argv[5 + 64] = { "sh", "-c", script, "vmferry" };
	struct host_command cmd = { .argv = argv,
				    .max_output = MAX_OUTPUT_BYTES,
				    .deadline = deadline };

	for (size_t i = 0; args && args[i] && i < 63; i++)
		argv[4 + i] = args[i];
	return host_run(h, &cmd, r, err);
}

int discover_guests(struct host *h, struct guests *out, struct mono deadline,
		    struct err *err)
{
	AUTO_FREE char *script = xasprintf("%s%s", proc_ask_sh, discover_sh);
	struct host_result r = { .status = 0 };
	int rc = run_script(h, script, NULL, deadline, &r, err);

	if (!rc)
		rc = discover_parse(buf_data(&r.out), buf_len(&r.out), out,
				    err);
	host_result_free(&r);
	if (rc) {
		err_wrap(err, ERR_NONE, "cannot look for guests");
		err_at_host(err, host_name(h));
	}
	return rc;
}

/* --- the word for a guest ------------------------------------------------ */

enum word_kind { WORD_NAME, WORD_PID, WORD_QMP };

struct word {
	enum word_kind kind;
	const char *text; /* behind the prefix */
	pid_t pid;
};

static bool is_word(const char *s, size_t len)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";

	return len >= 1 && len <= 64 && strspn(s, allowed) >= len;
}

/* NAME or USER/NAME */
static bool is_name(const char *s)
{
	const char *slash = strchr(s, '/');

	if (!slash)
		return is_word(s, strlen(s));
	return is_word(s, (size_t)(slash - s)) &&
	       is_word(slash + 1, strlen(slash + 1));
}

static bool read_pid(const char *s, pid_t *pid)
{
	*pid = answer_pid(s);
	return *pid > 0;
}

static int read_word(const char *text, struct word *w, struct err *err)
{
	*w = (struct word){ .text = text };
	if (!strncmp(text, "pid:", 4)) {
		w->kind = WORD_PID;
		w->text += 4;
		if (read_pid(w->text, &w->pid))
			return 0;
	} else if (!strncmp(text, "qmp:", 4)) {
		w->kind = WORD_QMP;
		w->text += 4;
		if (*w->text == '/' && !strchr(w->text, '\n'))
			return 0;
	} else if (is_name(text)) {
		return 0;
	}
	err_set(err, ERR_USAGE, "\"%s\" names no guest", text);
	return err_hint(err, "give its name (letters, digits, '.', '_', '-'; "
			     "at most 64), USER/NAME, pid:NUMBER, or "
			     "qmp:/ABSOLUTE/PATH");
}

static bool has_monitor(const struct guest *g, const char *path)
{
	for (size_t i = 0; i < g->n_monitors; i++) {
		if (g->monitors[i].path && !strcmp(g->monitors[i].path, path))
			return true;
	}
	for (size_t i = 0; i < g->moves.n; i++) {
		if (!strcmp(g->moves.v[i].now, path))
			return true;
	}
	return false;
}

static enum guest_meant matches(const struct guest *g, const struct word *w)
{
	const struct guest_id id = {
		.uid = g->uid,
		.user = g->user,
		.name = g->name,
	};

	switch (w->kind) {
	case WORD_NAME:
		return guest_id_meant(&id, w->text, geteuid());
	case WORD_PID:
		return g->pid == w->pid ? GUEST_MEANT : GUEST_NOT_MEANT;
	case WORD_QMP:
		return has_monitor(g, w->text) ? GUEST_MEANT : GUEST_NOT_MEANT;
	}
	return GUEST_NOT_MEANT;
}

/* How the guests match that match best. */
static enum guest_meant best_match(const struct guests *list,
				   const struct word *w)
{
	enum guest_meant best = GUEST_NOT_MEANT;

	for (size_t i = 0; i < list->n; i++) {
		enum guest_meant m = matches(&list->v[i], w);

		if (m > best)
			best = m;
	}
	return best;
}

static size_t count(const struct guests *list, const struct word *w,
		    enum guest_meant match)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++)
		n += matches(&list->v[i], w) == match;
	return n;
}

/* --- monitors by another path -------------------------------------------- */

/* The @n-th line of the output, "" if there is none; to be freed. */
static char *line_of(struct host_result *r, size_t n)
{
	const char *p = buf_data(&r->out);

	while (n-- && *p) {
		p += strcspn(p, "\n");
		p += *p == '\n';
	}
	return xstrndup(p, strcspn(p, "\n"));
}

/*
 * Two paths may lead to one socket (/var/run is /run): asks the host where
 * they lead. Yields the path that the guest @g is known by, or NULL.
 */
static char *same_socket(struct host *h, const struct guest *g,
			 const char *path, struct mono deadline,
			 struct err *err)
{
	struct host_result r = { .status = 0 };
	const char *paths[64] = { path };
	AUTO_FREE char *wanted = NULL;
	char *found = NULL;
	size_t n = 1;

	for (size_t i = 0; i < g->n_monitors && n < 63; i++) {
		if (g->monitors[i].path)
			paths[n++] = g->monitors[i].path;
	}
	if (n == 1)
		return NULL;
	if (!run_script(h, discover_real_sh, paths, deadline, &r, err))
		wanted = line_of(&r, 0);
	for (size_t i = 1; i < n && wanted && *wanted && !found; i++) {
		AUTO_FREE char *leads_to = line_of(&r, i);

		if (!strcmp(leads_to, wanted))
			found = xstrdup(paths[i]);
	}
	host_result_free(&r);
	return found;
}

/* --- one guest ----------------------------------------------------------- */

static int no_guest(struct host *h, const struct guests *list, const char *word,
		    struct err *err)
{
	AUTO_STRV struct strv names = { .v = NULL };
	AUTO_FREE char *text = NULL;

	err_set(err, ERR_NO_GUEST, "there is no guest %s", word);
	err_at_host(err, host_name(h));
	if (list->left_out)
		return err_hint(err,
				"%zu processes were not looked at: their "
				"command lines are too long, or their user "
				"has too many of them",
				list->left_out);
	if (!list->n)
		return err_hint(err, "no QEMU process that this login may see "
				     "runs there");
	for (size_t i = 0; i < list->n; i++)
		strv_push(&names, guest_label(&list->v[i]));
	text = strv_join(&names, ", ");
	return err_hint(err, "running there: %s", text);
}

/* As pid:NUMBER, which is always one, and as USER/NAME where that is one. */
static int ambiguous(struct host *h, const struct guests *list,
		     const struct word *w, const char *word,
		     enum guest_meant match, struct err *err)
{
	AUTO_STRV struct strv pids = { .v = NULL }, users = { .v = NULL };
	AUTO_FREE char *text = NULL;
	bool of_users = match == GUEST_MEANT_MAYBE;

	for (size_t i = 0; i < list->n; i++) {
		const struct guest *g = &list->v[i];

		if (matches(g, w) != match)
			continue;
		strv_pushf(&pids, "%d (%s)", (int)g->pid, g->user);
		of_users = of_users && !strv_has(&users, g->user);
		strv_push(&users, g->user);
	}
	text = strv_join(&pids, ", ");
	err_set(err, ERR_AMBIGUOUS, "%s names several guests: pids %s", word,
		text);
	err_at_host(err, host_name(h));
	if (of_users)
		return err_hint(err, "give one of them as pid:NUMBER, or as "
				     "USER/NAME, with its user");
	return err_hint(err, "give one of them as pid:NUMBER");
}

static int pick(struct host *h, const struct guests *list, const char *word,
		const struct word *w, struct guest *out, struct err *err)
{
	enum guest_meant best = best_match(list, w);

	if (best == GUEST_NOT_MEANT)
		return no_guest(h, list, word, err);
	if (count(list, w, best) > 1)
		return ambiguous(h, list, w, word, best, err);
	for (size_t i = 0; i < list->n; i++) {
		if (matches(&list->v[i], w) != best)
			continue;
		*out = list->v[i];
		list->v[i] = (struct guest){ .pid = 0 };
		break;
	}
	return 0;
}

/* Looks for the socket under its other names, guest after guest. */
static int pick_by_socket(struct host *h, const struct guests *list,
			  const char *word, const struct word *w,
			  struct guest *out, struct mono deadline,
			  struct err *err)
{
	for (size_t i = 0; i < list->n; i++) {
		AUTO_ERR struct err inner = { .kind = ERR_NONE };
		struct word known = { .kind = WORD_QMP };
		AUTO_FREE char *path = NULL;

		path = same_socket(h, &list->v[i], w->text, deadline, &inner);
		if (inner.kind) {
			err_move(err, &inner);
			return -1;
		}
		known.text = path;
		if (path)
			return pick(h, list, word, &known, out, err);
	}
	return no_guest(h, list, word, err);
}

int discover_guest(struct host *h, const char *word, struct guest *out,
		   struct mono deadline, struct err *err)
{
	struct guests list = { .v = NULL };
	struct word w;
	int rc;

	if (read_word(word, &w, err) ||
	    discover_guests(h, &list, deadline, err))
		return -1;
	if (w.kind == WORD_QMP && best_match(&list, &w) == GUEST_NOT_MEANT)
		rc = pick_by_socket(h, &list, word, &w, out, deadline, err);
	else
		rc = pick(h, &list, word, &w, out, err);
	guests_free(&list);
	return rc;
}

/* --- is it still there? -------------------------------------------------- */

/*
 * A zombie is gone once no other thread of it is left: those could still be
 * writing to a disk.
 */
static int judge_process(const char *text, uint64_t start_ticks)
{
	struct proc_stat stat;

	if (!strncmp(text, "gone", 4))
		return 0;
	if (proc_stat_read(text, &stat))
		return -1;
	if (stat.start_ticks != start_ticks)
		return 0;
	return (stat.state != 'Z' && stat.state != 'X') || stat.threads > 1;
}

static int judge(const char *text, const struct identity *who, const char *host,
		 struct err *err)
{
	static const char mark[] = "\nprocess=\n";
	const char *process = strstr(text, mark);
	struct identity_space now;

	if (!process)
		return -1;
	identity_space_read(text, &now);
	switch (identity_compare(&who->space, &now)) {
	case IDENTITY_SAME:
		return judge_process(process + sizeof(mark) - 1,
				     who->start_ticks);
	case IDENTITY_REBOOTED:
		return 0;
	case IDENTITY_ELSEWHERE:
		(void)identity_check_token(who, &now, host, err);
		break;
	}
	return -1;
}

int discover_alive(struct host *h, const struct identity *who,
		   struct mono deadline, struct err *err)
{
	struct host_result r = { .status = 0 };
	AUTO_FREE char *number = xasprintf("%d", (int)who->pid);
	AUTO_FREE char *identity = identity_script(who->token_file);
	AUTO_FREE char *script = xasprintf("%s%s", identity, discover_alive_sh);
	const char *const args[] = { number, NULL };
	AUTO_ERR struct err doubt = { 0 };
	int alive = -1;

	if (!run_script(h, script, args, deadline, &r, err)) {
		alive = judge(buf_data(&r.out), who, host_name(h), &doubt);
		if (alive < 0 && doubt.kind != ERR_NONE)
			err_move(err, &doubt);
		else if (alive < 0)
			err_set(err, ERR_REMOTE,
				"cannot tell whether process %d still runs",
				(int)who->pid);
	}
	host_result_free(&r);
	if (alive < 0)
		err_at_host(err, host_name(h));
	return alive;
}
