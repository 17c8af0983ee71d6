/* SPDX-License-Identifier: MIT */
/* vmferry check: preflight only. */
#include <math.h>
#include <stdlib.h>

#include "qmp/json_fields.h"
#include "qmp/json.h"
#include "tools/cli/check_view.h"
#include "tools/cli/cli.h"
#include "tools/cli/group.h"
#include "tools/cli/human.h"
#include "tools/cli/text.h"
#include "transport/base/xalloc.h"

static struct json_object *to_json(const struct checks *list,
				   const struct result *r)
{
	struct json_object *all = json_object_new_array();
	struct json_object *o = json_new();

	for (size_t i = 0; i < list->n; i++)
		json_object_array_add(all, check_to_json(&list->v[i]));
	json_fields_text(o, "guest", r->guest);
	json_add_str(o, "outcome", outcome_name(r->outcome));
	json_add_i64(o, "exit_code", result_exit_code(r));
	json_add_str(o, "verdict",
		     check_verdict_name(r->outcome == OUTCOME_READY
						? checks_worst(list)
						: CHECK_FAIL));
	json_add_sub(o, "checks", all);
	return json_add_sub(o, "error", result_error_to_json(&r->error));
}

/* What is known of one destination, for people. */
struct report {
	struct cli *cli;
	struct checks list;
	struct result r;
	char *source_qemu, *destination_qemu, *login;
	double link_bps;
	size_t lessons;
};

static void report_free(struct report *rep)
{
	checks_free(&rep->list);
	result_free(&rep->r);
	free(rep->source_qemu);
	free(rep->destination_qemu);
	free(rep->login);
}

static char *copy(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

/* An event_sink: the facts are for the head line. */
static void take_event(void *arg, const struct event *ev)
{
	struct report *rep = arg;

	if (ev->kind == EVENT_FACTS && !rep->source_qemu) {
		rep->source_qemu = copy(ev->facts.source_qemu);
		rep->destination_qemu = copy(ev->facts.destination_qemu);
		rep->login = copy(ev->facts.login);
		rep->link_bps = ev->facts.link_bps;
		rep->lessons = ev->facts.lessons;
	}
	ui_event(&rep->cli->ui, ev);
}

/* --- for people ---------------------------------------------------------- */

static void put_head(struct buf *b, const struct style *style,
		     const struct report *rep)
{
	AUTO_FREE char *link = NULL;
	struct check_head h = {
		.source = rep->r.source,
		.source_qemu = rep->source_qemu,
		.destination = rep->r.destination,
		.destination_qemu = rep->destination_qemu,
		.login = rep->login,
	};

	if (rep->link_bps > 0)
		link = xasprintf("link %s, learnt from %zu migration%s; how it "
				 "would go: vmferry forecast",
				 human_rate(rep->link_bps).text, rep->lessons,
				 rep->lessons == 1 ? "" : "s");
	h.link = link;
	check_view_head(b, style, &h);
}

/* "2 problems, 1 warning. Nothing was changed. db2 is RUNNING on hosta." */
static void put_summary(struct buf *b, const struct style *style,
			const struct report *rep)
{
	AUTO_FREE char *last = result_last_line(&rep->r);

	if (rep->list.n) {
		check_view_counts(b, &rep->list);
		buf_append(b, " ", 1);
	}
	text_put(b, style->utf8, last);
	buf_append(b, "\n", 1);
}

static enum check_detail detail_of(const struct settings *s)
{
	return s->quiet	    ? CHECK_DETAIL_PROBLEMS
	       : s->verbose ? CHECK_DETAIL_ALL
			    : CHECK_DETAIL_FAMILIES;
}

static void print_people(struct cli *cli, const struct report *rep)
{
	struct style style = cli_people_style(cli);
	AUTO_BUF struct buf b = { 0 };

	if (rep->source_qemu && !cli->settings.quiet)
		put_head(&b, &style, rep);
	check_view_list(&b, &style, &rep->list, detail_of(&cli->settings));
	/* refused by the checks above, or never got to them */
	if (rep->r.error.kind != ERR_NONE &&
	    !checks_count(&rep->list, CHECK_FAIL))
		cli_print_error(cli, &rep->r.error);
	put_summary(&b, &style, rep);
	cli_print_people(cli, &b);
}

/* --- the command --------------------------------------------------------- */

static int check_one(struct cli *cli, struct migrate_options *opt)
{
	struct report rep = { .cli = cli, .link_bps = NAN };
	int code;

	result_init(&rep.r);
	opt->sink = take_event;
	opt->sink_arg = &rep;
	migrate_check(opt, &rep.list, &rep.r);
	code = result_exit_code(&rep.r);
	print_people(cli, &rep);
	if (cli->settings.json)
		code = cli_print_json(to_json(&rep.list, &rep.r), code);
	report_free(&rep);
	return code;
}

static int run(struct cli *cli)
{
	AUTO_ERR struct err err = { 0 };
	struct cli_plan p;
	int code;

	if (cli_plan_read(cli, &p, &err) < 0) {
		cli_plan_free(&p);
		return cli_usage(cli, &err);
	}
	/* the lines below say it all */
	cli->ui.quiet = true;
	code = check_one(cli, &p.opt);
	cli_plan_free(&p);
	return cli_end(code);
}

static const struct option_group *const groups[] = {
	&group_budget, &group_plan,    &group_login,
	&group_speech, &group_general, NULL,
};

const struct command cmd_check = {
	.name = "check",
	.args = "GUEST DEST",
	.min_operands = 2,
	.max_operands = 2,
	.summary = "says whether a guest could be migrated; changes nothing",
	.description =
		"Connects to the guest's monitor and to the destination, runs "
		"every check that migrate would run, and prints each with its "
		"verdict: PASS, WARN (does not block) or FAIL (blocks), the "
		"last two with what to do about it. What passed is one line a "
		"family of checks, with their names; with -v each has its own. "
		"Findings about paths in one directory that the destination "
		"does not have are one problem. Nothing is changed "
		"anywhere, but for a moment there is a file with a random name "
		"beside each image, unless both hosts are one machine: a host "
		"that sees it has the same storage (see check-storage).\n\n"
		"Exit code 3 when a check fails. --json has of each of "
		"`checks` its family (hosts, guest, disks, network, machine, "
		"owner), too, and a cause that findings of one problem have in "
		"common.",
	.examples = "vmferry check web1 root@hostb\n"
		    "vmferry check pid:4211 hostb --remap /srv/vm=/data/vm",
	.groups = groups,
	.run = run,
};
