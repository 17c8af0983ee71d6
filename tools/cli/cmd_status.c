/* SPDX-License-Identifier: MIT */
/* vmferry status: what recordings say of running and past migrations. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "qmp/json_fields.h"
#include "engine/state/recording_read.h"
#include "engine/state/run_status.h"
#include "qmp/json.h"
#include "tools/cli/cli.h"
#include "tools/cli/group.h"
#include "tools/cli/human.h"
#include "tools/cli/other_user.h"
#include "tools/cli/text.h"
#include "transport/base/xalloc.h"

/* --- for programs -------------------------------------------------------- */

static struct json_object *error_of(const struct recording_view *v)
{
	struct json_object *e = NULL;

	if (v->last[EVENT_RESULT])
		(void)json_object_object_get_ex(v->last[EVENT_RESULT], "error",
						&e);
	return json_object_get(e);
}

static struct json_object *to_json(const struct run_status *s)
{
	const struct recording_view *v = s->v;
	struct json_object *o = json_new();

	json_fields_text(o, "run", v->run);
	json_fields_text(o, "guest", s->guest);
	json_fields_text(o, "uuid", recording_uuid(v));
	json_add_num(o, "uid", recording_number(v, EVENT_FACTS, "uid"), 0);
	json_fields_text(o, "source", s->source);
	json_fields_text(o, "destination", s->destination);
	json_fields_text(o, "state", recording_state_name(v->state));
	json_fields_text(o, "phase", s->phase);
	json_fields_text(o, "outcome", s->outcome);
	json_fields_text(o, "owner", s->owner);
	json_add_bool(o, "recovered", s->recovered);
	json_add_bool(o, "unfinished", s->unfinished);
	json_fields_text(o, "why", s->why);
	json_fields_text(o, "started_again", s->started_again);
	json_add_num(o, "pass", s->pass, 0);
	json_add_num(o, "remaining_bytes", s->left_bytes, 0);
	json_add_num(o, "total_bytes", s->total_bytes, 0);
	json_add_num(o, "bandwidth_bps", s->bandwidth_bps, 0);
	json_add_sub(o, "converges",
		     s->forecast ? json_object_new_boolean(!isnan(s->eta_p50_s))
				 : NULL);
	json_add_num(o, "eta_p50_s", s->eta_p50_s, 1);
	json_add_num(o, "eta_p90_s", s->eta_p90_s, 1);
	json_add_num(o, "max_blackout_ms",
		     recording_number(v, EVENT_RUN_START, "max_blackout_ms"),
		     3);
	json_add_num(o, "blackout_ms",
		     recording_number(v, EVENT_RESULT, "blackout_ms"), 3);
	json_add_num(o, "total_ms",
		     recording_number(v, EVENT_RESULT, "total_ms"), 3);
	json_add_num(o, "started", v->started_s, 6);
	json_add_num(o, "updated", v->updated_s, 6);
	json_add_num(o, "ended", recording_number(v, EVENT_RESULT, "t"), 6);
	json_fields_text(o, "recording", v->path);
	return json_add_sub(o, "error", error_of(v));
}

/* --- for people ---------------------------------------------------------- */

static void put_when(struct buf *b, const char *word, double t)
{
	time_t s = (time_t)t;
	char text[64];
	struct tm tm;

	if (!isfinite(t) || fabs(t) > 1e11 || !localtime_r(&s, &tm) ||
	    !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm))
		return;
	buf_printf(b, "%s %s", word, text);
}

static void put_line(struct buf *b, bool utf8, const char *lead,
		     const char *words)
{
	if (!words)
		return;
	buf_printf(b, "  %s: ", lead);
	text_put(b, utf8, words);
	buf_append(b, "\n", 1);
}

static void put_eta(struct buf *b, const struct run_status *s)
{
	if (!s->forecast)
		return;
	if (isnan(s->eta_p50_s))
		buf_printf(b, ", ETA never at this rate");
	else if (isnan(s->eta_p90_s))
		buf_printf(b, ", ETA %.0f s, perhaps never", s->eta_p50_s);
	else
		buf_printf(b, ", ETA %.0f-%.0f s", s->eta_p50_s,
			   fmax(s->eta_p90_s, 1));
}

static void put_progress(struct buf *b, const struct run_status *s)
{
	if (isnan(s->left_bytes))
		return;
	buf_printf(b, "  left: %s of %s at %s", human_bytes(s->left_bytes).text,
		   human_bytes(s->total_bytes).text,
		   human_rate(s->bandwidth_bps).text);
	put_eta(b, s);
	buf_append(b, "\n", 1);
}

static void put_running(struct buf *b, bool utf8, const struct run_status *s)
{
	text_putf(b, utf8, "under way to %s, %s", s->destination, s->phase);
	if (s->pass >= 0)
		buf_printf(b, ", pass %.0f", s->pass);
	put_when(b, ", since", s->v->started_s);
	buf_append(b, "\n", 1);
	put_progress(b, s);
	put_line(b, utf8, "why", s->why);
}

static void put_error(struct buf *b, bool utf8, const struct run_status *s)
{
	struct json_at result = { s->v->last[EVENT_RESULT], "result" };
	struct json_at error = { NULL, "error" };
	const char *message = NULL, *hint = NULL;

	if (json_has(result, "error"))
		(void)json_opt_object(result, "error", &error, NULL);
	if (json_has(error, "message"))
		(void)json_opt_str(error, "message", &message, NULL);
	if (json_has(error, "hint"))
		(void)json_opt_str(error, "hint", &hint, NULL);
	put_line(b, utf8, "error", message);
	put_line(b, utf8, "next", hint);
}

/* As it was then: nobody is asked. */
static void put_owner(struct buf *b, bool utf8, const struct run_status *s)
{
	const char *owner = s->owner ? s->owner : "";

	if (!strcmp(owner, owner_name(OWNER_SOURCE)))
		put_line(b, utf8, "guest then on", s->source);
	else if (!strcmp(owner, owner_name(OWNER_DESTINATION)))
		put_line(b, utf8, "guest then on", s->destination);
	else if (!strcmp(owner, owner_name(OWNER_UNKNOWN)))
		put_line(b, utf8, "guest", "it was not known where it ran");
}

static void put_leftovers(struct buf *b, bool utf8, const struct run_status *s)
{
	struct json_object *all = NULL, *one;

	(void)json_object_object_get_ex(s->v->last[EVENT_RESULT], "leftovers",
					&all);
	for (size_t i = 0; json_object_is_type(all, json_type_array) &&
			   i < json_object_array_length(all);
	     i++) {
		one = json_object_array_get_idx(all, i);
		put_line(b, utf8, "left to clean up",
			 json_object_get_string(one));
	}
}

/* What a recovery made of it, after the engine had died. */
static const char *recovered_word(const struct run_status *s)
{
	const char *outcome = s->outcome ? s->outcome : "";

	if (!strcmp(outcome, outcome_name(OUTCOME_MIGRATED)))
		return "finished by recovery";
	if (!strcmp(outcome, outcome_name(OUTCOME_ENDED)))
		return "cleaned up by recovery, the guest has ended";
	return "undone by recovery";
}

static void put_recover(struct buf *b, bool utf8, const struct run_status *s)
{
	text_putf(b, utf8,
		  "  next: vmferry recover %s says where the guest runs, and "
		  "finishes or undoes what is unfinished",
		  s->v->run);
	buf_append(b, "\n", 1);
}

static void put_ended(struct buf *b, bool utf8, const struct run_status *s)
{
	double blackout = recording_number(s->v, EVENT_RESULT, "blackout_ms");
	const char *how = s->outcome ? s->outcome : "ended";

	text_putf(b, utf8, "%s (%s to %s)",
		  s->recovered ? recovered_word(s) : how, s->source,
		  s->destination);
	put_when(b, ",", recording_number(s->v, EVENT_RESULT, "t"));
	if (blackout >= 0)
		buf_printf(b, ", blackout %s", human_ms(blackout).text);
	buf_append(b, "\n", 1);
	put_owner(b, utf8, s);
	put_line(b, utf8, "why", s->why);
	put_line(b, utf8, "since then", s->started_again);
	put_leftovers(b, utf8, s);
	put_error(b, utf8, s);
	if (s->unfinished)
		put_recover(b, utf8, s);
}

static void put_broken(struct buf *b, bool utf8, const struct run_status *s)
{
	text_putf(b, utf8,
		  "broke off on the way to %s, %s: its engine is gone and "
		  "told no end",
		  s->destination, s->phase);
	put_when(b, "; last seen", s->v->updated_s);
	buf_append(b, "\n", 1);
	put_line(b, utf8, "why", s->why);
	if (s->unfinished)
		put_recover(b, utf8, s);
	else
		buf_printf(b, "  nothing is left to recover; vmferry list "
			      "shows where the guest runs\n");
}

static void put_one(struct buf *b, bool utf8, const struct run_status *s)
{
	static void (*const put[RECORDING_STATES])(
		struct buf * b, bool utf8, const struct run_status *s) = {
		[RECORDING_RUNNING] = put_running,
		[RECORDING_ENDED] = put_ended,
		[RECORDING_BROKEN] = put_broken,
	};

	text_putf(b, utf8, "%s (%s): ", s->guest, s->v->run);
	put[s->v->state](b, utf8, s);
}

/* --- all of them ---------------------------------------------------------- */

static int print_failure(struct cli *cli, const struct err *err, int code)
{
	struct json_object *o;

	cli_print_error(cli, err);
	if (!cli->settings.json)
		return code;
	o = json_add_sub(json_new(), "runs", json_object_new_array());
	json_add_sub(o, "error", result_error_to_json(err));
	return cli_print_json(json_add_i64(o, "exit_code", code), code);
}

static int print_none(struct cli *cli, const struct recordings *list)
{
	AUTO_ERR struct err err = { 0 };

	err_set(&err, ERR_NO_GUEST,
		"no migration of %s is recorded; searched %zu recording%s in "
		"%s",
		cli->operands.v[0], list->n, list->n == 1 ? "" : "s",
		list->dir);
	err_hint(&err, "vmferry status shows the guests that are");
	return print_failure(cli, &err, EXIT_CODE_NO_GUEST);
}

static void put_empty(struct buf *b, bool utf8, const char *dir)
{
	text_putf(b, utf8, "No migration is recorded in %s.", dir);
	buf_append(b, "\n", 1);
}

/* What is shown, and in which words. */
struct report {
	struct cli *cli;
	struct guest_user who;
	struct err no_user;	  /* why @who is nobody, or none */
	struct json_object *runs; /* for programs */
	struct buf text;	  /* for people */
	bool any;
};

/* With the user that was named, if one was. */
static bool is_shown(const struct report *r, const struct run_status *all,
		     size_t n, size_t i)
{
	const char *word = r->cli->operands.n ? r->cli->operands.v[0] : NULL;

	if (run_status_is_shown(all, n, i, word))
		return true;
	if (!r->who.user.name || r->no_user.kind != ERR_NONE ||
	    !run_status_is_shown(all, n, i, r->who.guest))
		return false;
	/* earlier versions did not say whose it is */
	return r->who.is_other
		       ? recording_is_of_user(all[i].v, r->who.user.uid)
		       : recording_may_be_of_user(all[i].v, r->who.user.uid);
}

static void put_own(struct report *r, const char *state,
		    const struct recordings *list)
{
	struct style style = cli_people_style(r->cli);
	struct run_status *all =
		run_status_all(state, list, (double)wall_now().us / 1e6);

	for (size_t i = 0; i < list->n; i++) {
		if (!is_shown(r, all, list->n, i))
			continue;
		r->any = true;
		put_one(&r->text, style.utf8, &all[i]);
		json_object_array_add(r->runs, to_json(&all[i]));
	}
	free(all);
}

static void add_others(struct report *r, struct json_object *o)
{
	struct json_object *runs = NULL;

	(void)json_object_object_get_ex(o, "runs", &runs);
	for (size_t i = 0; json_object_is_type(runs, json_type_array) &&
			   i < json_object_array_length(runs);
	     i++)
		json_object_array_add(
			r->runs,
			json_object_get(json_object_array_get_idx(runs, i)));
}

/* What another user's own recordings say; that there are none is no failure. */
static int print_others(struct report *r)
{
	AUTO_JSON struct json_object *o = NULL;
	AUTO_ERR struct err err = { 0 };
	int code = other_user_run(r->cli, &r->who, &o, &err);

	if (code < 0)
		return print_failure(r->cli, &err, EXIT_CODE_INTERNAL);
	add_others(r, o);
	return code == EXIT_CODE_NO_GUEST && r->any ? 0 : code;
}

static int print_nothing(struct report *r, const struct recordings *list)
{
	struct style style = cli_people_style(r->cli);

	if (r->no_user.kind == ERR_USAGE)
		return cli_usage(r->cli, &r->no_user);
	if (r->cli->operands.n)
		return print_none(r->cli, list);
	put_empty(&r->text, style.utf8, list->dir);
	return 0;
}

static int print_runs(struct report *r, int code)
{
	struct json_object *o = json_add_sub(json_new(), "runs", r->runs);

	r->runs = NULL;
	json_add_sub(o, "error", NULL);
	json_add_i64(o, "exit_code", code);
	if (r->cli->settings.json)
		return cli_print_json(o, code);
	json_object_put(o);
	return cli_end(code);
}

/* @list: NULL where only another user's are asked for. */
static int print(struct report *r, const char *state,
		 const struct recordings *list)
{
	bool others = !list || other_user_has_state(r->cli, &r->who);
	int code = 0;

	if (list)
		put_own(r, state, list);
	if (list && !r->any && !others) {
		code = print_nothing(r, list);
		if (code)
			return code;
	}
	cli_print_people(r->cli, &r->text);
	if (others)
		code = print_others(r);
	return print_runs(r, code);
}

static int read_and_print(struct report *r)
{
	AUTO_FREE char *state = NULL;
	struct recordings list = { .v = NULL };
	AUTO_ERR struct err err = { 0 };
	int code;

	if (other_user_only(r->cli, &r->who))
		return print(r, NULL, NULL);
	state = cli_state_directory(r->cli, &err);
	if (!state || recordings_read(state, &list, &err) < 0)
		code = print_failure(r->cli, &err, EXIT_CODE_INTERNAL);
	else
		code = print(r, state, &list);
	recordings_free(&list);
	return code;
}

static int run(struct cli *cli)
{
	struct report r = { .cli = cli, .runs = json_object_new_array() };
	int code;

	if (cli->operands.n)
		(void)guest_user_read(cli->operands.v[0], &r.who, &r.no_user);
	code = read_and_print(&r);
	guest_user_free(&r.who);
	err_reset(&r.no_user);
	json_object_put(r.runs);
	buf_free(&r.text);
	return code;
}

static const struct option_group *const groups[] = {
	&group_state,
	&group_speech,
	&group_general,
	NULL,
};

const struct command cmd_status = {
	.name = "status",
	.args = "[GUEST]",
	.max_operands = 1,
	.summary = "tells how far a migration is, or how it ended",
	.description =
		"Reads the recordings that migrations of this host keep of "
		"themselves, and tells the latest of each guest, or of GUEST "
		"(a name, UUID or run id): while it is under way its phase, "
		"what is left, when the guest will run over there, and why it "
		"waits; else how it ended. Asks neither QEMU nor any host, so "
		"that it may be run at any time. USER/NAME is that user's "
		"guest: root is also shown what that user has recorded, read "
		"with that user's rights.\n\n"
		"A run whose engine died was finished or undone by recovery, "
		"which is told then; or it is named with what is left to do: "
		"vmferry recover, as long as its journal stands.\n\n"
		"--json: runs, an array of objects with run, guest, uuid, uid "
		"(of the guest's user), "
		"source, destination, state (running, ended, broken), phase, "
		"outcome, owner, recovered (a recovery told the end), "
		"unfinished (a recovery has something to do yet), why, "
		"started_again (a QEMU that somebody started on the source "
		"after the guest had left, see --watch-source), pass, "
		"remaining_bytes, total_bytes, bandwidth_bps, converges, "
		"eta_p50_s and eta_p90_s (from now on), max_blackout_ms, "
		"blackout_ms, total_ms, started, updated "
		"and ended (wall clock, seconds), recording (the file), error. "
		"converges false means never at this rate.\n\n"
		"Exit code 13 when no migration of GUEST is recorded.",
	.examples = "vmferry status\nvmferry status web1 --json",
	.groups = groups,
	.run = run,
};
