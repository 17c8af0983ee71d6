/* SPDX-License-Identifier: MIT */
/* vmferry recover: finishes or undoes what an engine left behind. */
#include <string.h>

#include "engine/recover/recover.h"
#include "qmp/json.h"
#include "tools/cli/cli.h"
#include "tools/cli/group.h"
#include "tools/cli/other_user.h"
#include "tools/cli/receipt.h"
#include "tools/cli/text.h"
#include "transport/base/xalloc.h"

/* What the verdict means, for people. */
static const char *const said[VERDICTS] = {
	[VERDICT_NOTHING] = "nothing was left to do",
	[VERDICT_ABORT] = "undone: the guest stays on the source",
	[VERDICT_FORWARD] = "finished: the guest was started on the "
			    "destination",
	[VERDICT_FINISH] = "finished: the guest runs on the destination",
	[VERDICT_TAKE_BACK] = "taken back: the guest goes on at the source",
	[VERDICT_LOST] = "the guest has ended; what was left of the run is "
			 "gone",
	[VERDICT_HOLD] = "held: nothing was started or killed",
	[VERDICT_JOIN] = "held: the copy that follows the switchover was cut",
	[VERDICT_PERSON] = "a person must decide: nothing was started or "
			   "killed",
};

/* Back on the source, it has ended or gone to another host from there. */
static bool has_left_since(const struct recovery *r)
{
	return r->verdict == VERDICT_ABORT &&
	       r->result.owner == OWNER_UNKNOWN &&
	       r->result.error.kind == ERR_NONE;
}

static const char *say(const struct recovery *r)
{
	if (r->result.error.kind == ERR_BUSY)
		return "a living engine drives it";
	return has_left_since(r) ? "undone" : said[r->verdict];
}

static char *where_it_runs(const struct recovery *r)
{
	return has_left_since(r)
		       ? xstrdup("vmferry list on each host shows where it "
				 "runs now.")
		       : result_where(&r->result);
}

static void put_recovery(struct buf *b, const struct style *style,
			 const struct recovery *r)
{
	AUTO_FREE char *where = where_it_runs(r);
	AUTO_FREE char *line = xasprintf("%s (%s): %s", r->result.guest,
					 r->result.run, say(r));

	text_put(b, style->utf8, line);
	buf_append(b, "\n", 1);
	for (size_t i = 0; i < r->did.n; i++) {
		buf_printf(b, "  ");
		text_put(b, style->utf8, r->did.v[i]);
		buf_append(b, "\n", 1);
	}
	for (size_t i = 0; i < r->result.leftovers.n; i++) {
		buf_printf(b, "  left to clean up: ");
		text_put(b, style->utf8, r->result.leftovers.v[i]);
		buf_append(b, "\n", 1);
	}
	if (!*where)
		return;
	text_put(b, style->utf8, where);
	buf_append(b, "\n", 1);
}

static bool is_printed(const struct recoveries *list, const char *run)
{
	for (size_t i = 0; i < list->n; i++) {
		if (!strcmp(list->v[i].result.run, run))
			return true;
	}
	return false;
}

/* Those that are driven from here, on one host, were printed above. */
static void put_arrivals(struct buf *b, const struct style *style,
			 const struct recoveries *list)
{
	const struct arrivals *a = &list->arrivals;

	for (size_t i = 0; i < a->n; i++) {
		if (is_printed(list, a->v[i].run))
			continue;
		AUTO_FREE char *line = xasprintf(
			"%s (%s) is on its way here from %s, where it is "
			"driven: if that ended early, run recover there",
			a->v[i].guest, a->v[i].run, a->v[i].source);

		text_put(b, style->utf8, line);
		buf_append(b, "\n", 1);
	}
}

static int worst_code(const struct recoveries *list)
{
	enum exit_code worst = EXIT_CODE_DONE;

	for (size_t i = 0; i < list->n; i++) {
		const enum exit_code both[] = {
			worst,
			recovery_exit_code(&list->v[i]),
		};

		worst = exit_code_worst(both, ARRAY_SIZE(both));
	}
	return worst;
}

static void add_others(struct json_object *all, struct json_object *others)
{
	struct json_object *runs = NULL;

	if (!json_object_object_get_ex(others, "runs", &runs)) {
		json_object_array_add(all, json_object_get(others));
		return;
	}
	for (size_t i = 0; json_object_is_type(runs, json_type_array) &&
			   i < json_object_array_length(runs);
	     i++)
		json_object_array_add(
			all,
			json_object_get(json_object_array_get_idx(runs, i)));
}

/* @others: what was done with another user's rights, or NULL. */
static struct json_object *to_json(const struct recoveries *list,
				   struct json_object *others, int code)
{
	struct json_object *all, *o;

	/* one run, the usual case, is the object itself */
	if (list->n == 1 && !others)
		return recovery_to_json(&list->v[0]);
	if (!list->n && others)
		return json_object_get(others);
	all = json_object_new_array();
	for (size_t i = 0; i < list->n; i++)
		json_object_array_add(all, recovery_to_json(&list->v[i]));
	if (others)
		add_others(all, others);
	o = json_add_str(json_new(), "outcome",
			 list->n ? "several" : verdict_name(VERDICT_NOTHING));
	o = json_add_i64(o, "exit_code", code);
	return json_add_sub(o, "runs", all);
}

static void put_none(const struct cli *cli, struct buf *b)
{
	if (cli->operands.n)
		buf_printf(b,
			   "No run of %s is unfinished here. Nothing was "
			   "changed.\n",
			   cli->operands.v[0]);
	else
		buf_printf(b, "No run of this host is unfinished. Nothing was "
			      "changed.\n");
}

/* @more: another user's are asked for, too. */
static void print_recoveries(struct cli *cli, const struct recoveries *list,
			     bool more)
{
	struct style style = cli_people_style(cli);
	AUTO_BUF struct buf b = { 0 };

	for (size_t i = 0; i < list->n; i++) {
		const struct recovery *r = &list->v[i];

		if (r->result.error.kind != ERR_NONE)
			cli_print_error(cli, &r->result.error);
		put_recovery(&b, &style, r);
	}
	put_arrivals(&b, &style, list);
	if (!list->n && !more)
		put_none(cli, &b);
	cli_print_people(cli, &b);
}

/* Adds to @code what becomes of those that another user has begun. */
static int recover_others(struct cli *cli, const struct guest_user *who,
			  struct json_object **others, int code)
{
	AUTO_ERR struct err err = { 0 };
	int other = other_user_run(cli, who, others, &err);
	enum exit_code both[] = { (enum exit_code)code, (enum exit_code)other };

	if (other < 0) {
		cli_print_error(cli, &err);
		*others = json_add_sub(json_new(), "error",
				       result_error_to_json(&err));
		*others = json_add_str(*others, "outcome",
				       outcome_name(OUTCOME_UNDECIDED));
		*others =
			json_add_i64(*others, "exit_code", EXIT_CODE_UNDECIDED);
		both[1] = EXIT_CODE_UNDECIDED;
	}
	/* which no recovery ends with */
	if (other == EXIT_CODE_INTERNAL || other == EXIT_CODE_USAGE)
		return other;
	return exit_code_worst(both, ARRAY_SIZE(both));
}

static int finish(struct cli *cli, const struct recoveries *list,
		  const struct guest_user *who)
{
	AUTO_JSON struct json_object *others = NULL;
	bool more = other_user_has_state(cli, who);
	int code = worst_code(list);

	print_recoveries(cli, list, more);
	if (more)
		code = recover_others(cli, who, &others, code);
	if (cli->settings.json)
		code = cli_print_json(to_json(list, others, code), code);
	return cli_end(code);
}

/* A decision is made for one guest, by its name. */
static int check_words(const struct cli *cli, struct err *err)
{
	if (cli->settings.all && cli->operands.n)
		return err_set(err, ERR_USAGE,
			       "recover takes --all or a guest, not both");
	if (cli->settings.force_source && !cli->operands.n)
		return err_set(err, ERR_USAGE,
			       "--force-source is for one guest: name it");
	return 0;
}

static int refuse_word(struct cli *cli, const struct err *err)
{
	if (err->kind == ERR_USAGE)
		return cli_usage(cli, err);
	cli_print_error(cli, err);
	return EXIT_CODE_INTERNAL;
}

static int run(struct cli *cli)
{
	struct recover_options opt = {
		.word = cli->operands.n ? cli->operands.v[0] : NULL,
		.choice = (enum verdict_choice)cli->settings.force_source,
		.state_dir = cli->settings.state_dir,
		.watch = cli->settings.watch_source_s > 0,
		.sink = ui_event,
		.sink_arg = &cli->ui,
	};
	struct recoveries list = { .v = NULL };
	AUTO_ERR struct err err = { 0 };
	AUTO_ERR struct err no_user = { 0 };
	struct guest_user who = { .is_other = false };
	int code;

	if (check_words(cli, &err) < 0)
		return cli_usage(cli, &err);
	cli_host_options(cli, &opt.ssh);
	if (opt.word)
		(void)guest_user_read(opt.word, &who, &no_user);
	if (!other_user_only(cli, &who) && recover_run(&opt, &list, &err) < 0) {
		cli_print_error(cli, &err);
		code = err.kind == ERR_AMBIGUOUS ? EXIT_CODE_USAGE
						 : EXIT_CODE_INTERNAL;
	} else if (no_user.kind != ERR_NONE && !list.n) {
		/* nor is a guest called so */
		code = refuse_word(cli, &no_user);
	} else {
		code = finish(cli, &list, &who);
	}
	guest_user_free(&who);
	cli->sentries = STEAL(list.sentries);
	cli->n_sentries = list.n_sentries;
	list.n_sentries = 0;
	recoveries_free(&list);
	return code;
}

static const struct option_group *const groups[] = {
	&group_recover, &group_watch,	&group_state, &group_login,
	&group_speech,	&group_general, NULL,
};

const struct command cmd_recover = {
	.name = "recover",
	.args = "[GUEST]",
	.max_operands = 1,
	.summary = "finishes or undoes what a killed vmferry left behind",
	.description =
		"After a crash, a kill or a power cut in the middle of a "
		"migration: reads the run's journal, asks both hosts' QEMUs "
		"over fresh connections what they are, and finishes the "
		"migration or undoes it. Without GUEST (a name, UUID or run "
		"id) every unfinished run is taken; do so at boot, before any "
		"guest is started.\n\n"
		"GUEST is yours. For root, when root has none that is called "
		"so, it may be another user's; USER/NAME or USER/UUID is that "
		"user's alone. What that user has begun with an own vmferry is "
		"recovered with that user's rights, settings and keys; root's "
		"files and logins are not used for it.\n\n"
		"It never starts a guest that may run elsewhere, and may be "
		"run as often as one likes. Exit code 7: one side cannot be "
		"asked, or a person must decide; nothing was started or "
		"killed. What a person may decide then is --force-source.\n\n"
		"A migration's own guardian does the same when it sees its "
		"engine die, and goes on trying while a host cannot be asked. "
		"What either did is added to the recording of the run: vmferry "
		"status tells it. Until then no new migration of that guest "
		"begins. After a recovery that ends with the guest on the "
		"destination this host is watched as after a migration "
		"(--watch-source).",
	.examples = "vmferry recover --all\nvmferry recover web1\n"
		    "vmferry recover alice/web1",
	.groups = groups,
	.run = run,
};
