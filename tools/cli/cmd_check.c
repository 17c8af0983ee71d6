/* SPDX-License-Identifier: MIT */
/* vmferry check: preflight only, to one destination or several. */
#include <stdlib.h>
#include <string.h>

#include "engine/run/check_hosts.h"
#include "qmp/json.h"
#include "qmp/json_fields.h"
#include "tools/cli/check_report.h"
#include "tools/cli/check_table.h"
#include "tools/cli/check_view.h"
#include "tools/cli/cli.h"
#include "tools/cli/group.h"
#include "tools/cli/text.h"
#include "transport/base/xalloc.h"

enum { HOSTS_MAX = 16 };

static enum check_detail detail_of(const struct settings *s)
{
	return s->quiet	    ? CHECK_DETAIL_PROBLEMS
	       : s->verbose ? CHECK_DETAIL_ALL
			    : CHECK_DETAIL_FAMILIES;
}

static void put_last(struct buf *b, const struct style *style,
		     const struct result *r)
{
	AUTO_FREE char *last = result_last_line(r);

	text_put(b, style->utf8, last);
	buf_append(b, "\n", 1);
}

/* --- one host ------------------------------------------------------------- */

static void print_one(struct cli *cli, const struct check_report *rep)
{
	const struct check_head head = check_report_head(rep);
	struct style style = cli_people_style(cli);
	AUTO_BUF struct buf b = { 0 };

	if (rep->source_qemu && !cli->settings.quiet)
		check_view_head(&b, &style, &head);
	check_view_list(&b, &style, &rep->list, detail_of(&cli->settings));
	/* refused by the checks above, or never got to them */
	if (rep->result.error.kind != ERR_NONE &&
	    !checks_count(&rep->list, CHECK_FAIL))
		cli_print_error(cli, &rep->result.error);
	/* "2 problems, 1 warning. Nothing was changed. db2 is RUNNING …" */
	if (rep->list.n) {
		check_view_counts(&b, &rep->list);
		buf_append(&b, " ", 1);
	}
	put_last(&b, &style, &rep->result);
	cli_print_people(cli, &b);
}

static int check_one(struct cli *cli, const struct migrate_options *given)
{
	struct migrate_options opt = *given;
	struct check_report rep;
	int code;

	check_report_init(&rep, &cli->ui, opt.destination);
	opt.sink = check_report_event;
	opt.sink_arg = &rep;
	migrate_check(&opt, &rep.list, &rep.result);
	code = result_exit_code(&rep.result);
	print_one(cli, &rep);
	if (cli->settings.json)
		code = cli_print_json(check_report_to_json(&rep), code);
	check_report_free(&rep);
	return code;
}

/* --- several -------------------------------------------------------------- */

struct several {
	struct check_report *v;
	size_t n, best;
};

/* The guest could not be asked, so that there is nothing to compare. */
static bool concerns_all(const struct check_report *best)
{
	return !best->list.n && best->result.outcome != OUTCOME_READY &&
	       best->result.outcome != OUTCOME_UNREACHABLE;
}

static void print_several(struct cli *cli, const struct several *all)
{
	struct style style = cli_people_style(cli);
	const struct check_report *best = &all->v[all->best];
	AUTO_BUF struct buf b = { 0 };

	if (concerns_all(best)) {
		cli_print_error(cli, &best->result.error);
		put_last(&b, &style, &best->result);
		cli_print_people(cli, &b);
		return;
	}
	if (!cli->settings.quiet)
		check_table_put(&b, &style, all->v, all->n);
	check_table_reasons(&b, &style, all->v, all->n,
			    detail_of(&cli->settings));
	if (buf_len(&b))
		buf_append(&b, "\n", 1);
	check_table_verdict(&b, &style, all->v, all->n);
	buf_append(&b, " ", 1);
	put_last(&b, &style, &best->result);
	cli_print_people(cli, &b);
}

static struct json_object *several_to_json(const struct several *all)
{
	const struct check_report *best = &all->v[all->best];
	struct json_object *hosts = json_object_new_array();
	struct json_object *o = json_new();

	for (size_t i = 0; i < all->n; i++)
		json_object_array_add(hosts, check_report_to_json(&all->v[i]));
	json_fields_text(o, "guest", best->result.guest);
	json_add_str(o, "outcome", outcome_name(best->result.outcome));
	json_add_i64(o, "exit_code", result_exit_code(&best->result));
	json_add_str(o, "verdict", check_report_verdict(best));
	return json_add_sub(o, "hosts", hosts);
}

static void ask_all(struct cli *cli, const struct migrate_options *opt,
		    struct several *all)
{
	AUTO_FREE struct check_host *hosts = xcalloc(all->n, sizeof(*hosts));

	for (size_t i = 0; i < all->n; i++) {
		struct check_report *rep = &all->v[i];

		check_report_init(rep, &cli->ui, cli->operands.v[i + 1]);
		hosts[i] = (struct check_host){
			.destination = rep->host,
			.sink = check_report_event,
			.sink_arg = rep,
			.list = &rep->list,
			.result = &rep->result,
		};
	}
	check_hosts_run(opt, hosts, all->n);
	all->best = check_hosts_best(hosts, all->n);
}

static int check_several(struct cli *cli, const struct migrate_options *opt)
{
	struct several all = { .n = cli->operands.n - 1 };
	int code;

	all.v = xcalloc(all.n, sizeof(*all.v));
	ask_all(cli, opt, &all);
	code = result_exit_code(&all.v[all.best].result);
	print_several(cli, &all);
	if (cli->settings.json)
		code = cli_print_json(several_to_json(&all), code);
	for (size_t i = 0; i < all.n; i++)
		check_report_free(&all.v[i]);
	free(all.v);
	return code;
}

/* --- the command --------------------------------------------------------- */

static int refuse_twice(const struct strv *operands, struct err *err)
{
	for (size_t i = 1; i < operands->n; i++) {
		for (size_t k = 1; k < i; k++) {
			if (!strcmp(operands->v[i], operands->v[k]))
				return err_set(err, ERR_USAGE,
					       "%s is named twice",
					       operands->v[i]);
		}
	}
	return 0;
}

static int run(struct cli *cli)
{
	AUTO_ERR struct err err = { 0 };
	struct cli_plan p;
	int code;

	if (cli_plan_read(cli, &p, &err) < 0 ||
	    refuse_twice(&cli->operands, &err) < 0) {
		cli_plan_free(&p);
		return cli_usage(cli, &err);
	}
	/* the lines below say it all */
	cli->ui.quiet = true;
	code = cli->operands.n > 2 ? check_several(cli, &p.opt)
				   : check_one(cli, &p.opt);
	cli_plan_free(&p);
	return cli_end(code);
}

static const struct option_group *const groups[] = {
	&group_budget, &group_plan,    &group_login,
	&group_speech, &group_general, NULL,
};

const struct command cmd_check = {
	.name = "check",
	.args = "GUEST DEST...",
	.min_operands = 2,
	.max_operands = 1 + HOSTS_MAX,
	.operands = OPERANDS_GUEST_HOSTS,
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
		"With several DEST (16 at most) all are asked at the same "
		"time: "
		"where could the guest go? A table has a column for each, and "
		"below it are the reasons, those that all have in common once. "
		"A host that does not let us in within 5 s is out of reach, "
		"and holds up the others no longer.\n\n"
		"Exit code 0 when no check fails, 3 when one does. Of several "
		"DEST one that could take the guest makes it 0; else it is 3 "
		"if one was checked and refused, and 10 if none could be "
		"reached. What keeps all from being checked (11, 13, a wrong "
		"word, a cancel) has its own code.\n\n"
		"--json has of each of `checks` its family (hosts, guest, "
		"disks, network, machine, owner), too, and a cause that "
		"findings of one problem have in common. Of several DEST it "
		"has guest, outcome, exit_code and verdict, those of the best "
		"one, and `hosts`, for each DEST what a check of it alone "
		"prints.",
	.examples = "vmferry check web1 root@hostb\n"
		    "vmferry check web1 hostb hostc hostd\n"
		    "vmferry check pid:4211 hostb --remap /srv/vm=/data/vm",
	.groups = groups,
	.run = run,
};
