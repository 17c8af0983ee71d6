/* SPDX-License-Identifier: MIT */
/* vmferry migrate: the live migration. */
#include "qmp/json.h"
#include "tools/cli/check_view.h"
#include "tools/cli/cli.h"
#include "tools/cli/group.h"
#include "tools/cli/receipt.h"
#include "tools/cli/text.h"
#include "transport/base/xalloc.h"

static int finish(struct cli *cli, const struct result *r)
{
	struct style style = cli_people_style(cli);
	AUTO_FREE char *last = result_last_line(r);
	AUTO_BUF struct buf b = { 0 };
	int code = result_exit_code(r);

	if (r->error.kind != ERR_NONE)
		cli_print_error(cli, &r->error);
	if (r->outcome == OUTCOME_MIGRATED && !cli->settings.quiet)
		receipt_migration(&b, &style, r);
	text_put(&b, style.utf8, last);
	buf_append(&b, "\n", 1);
	cli_print_people(cli, &b);
	if (cli->settings.json)
		code = cli_print_json(result_to_json(r), code);
	return cli_end(code);
}

static int dry_run(struct cli *cli, const struct cli_plan *p, struct result *r)
{
	struct style style = cli_people_style(cli);
	AUTO_STRV struct strv plan = { 0 };
	AUTO_BUF struct buf b = { 0 };
	struct checks list = { 0 };

	/* the lines below say it all */
	cli->ui.quiet = true;
	migrate_plan(&p->opt, &list, &plan, r);
	check_view_list(&b, &style, &list,
			cli->settings.verbose ? CHECK_DETAIL_ALL
					      : CHECK_DETAIL_FAMILIES);
	for (size_t i = 0; i < plan.n; i++) {
		text_put(&b, style.utf8, plan.v[i]);
		buf_append(&b, "\n", 1);
	}
	cli_print_people(cli, &b);
	checks_free(&list);
	return finish(cli, r);
}

static int run(struct cli *cli)
{
	AUTO_ERR struct err err = { 0 };
	struct result r;
	struct cli_plan p;
	int code;

	if (cli_plan_read(cli, &p, &err) < 0) {
		cli_plan_free(&p);
		return cli_usage(cli, &err);
	}
	result_init(&r);
	if (cli->settings.dry_run) {
		code = dry_run(cli, &p, &r);
	} else {
		migrate_run(&p.opt, &r);
		code = finish(cli, &r);
	}
	result_free(&r);
	cli_plan_free(&p);
	return code;
}

static const struct option_group *const groups[] = {
	&group_run,   &group_budget, &group_plan,    &group_watch, &group_state,
	&group_login, &group_speech, &group_general, NULL,
};

const struct command cmd_migrate = {
	.name = "migrate",
	.args = "GUEST DEST",
	.min_operands = 2,
	.max_operands = 2,
	.summary = "moves a running guest to another host, live",
	.description =
		"Finds the guest on this host, checks everything, starts its "
		"twin on DEST, copies memory while the guest runs, and "
		"switches over when what is left can be copied within "
		"--max-blackout. Until the switchover everything can be "
		"undone, and is, when anything fails or at Ctrl-C: the guest "
		"stays here. A second Ctrl-C exits at once and leaves things "
		"as they are.\n\n"
		"A guest that stands still already and would do so for longer "
		"than --max-blackout goes on here, and is tried once more if "
		"--deadline leaves the time; that first pause counts.\n\n"
		"GUEST is a name (QEMU's -name), USER/NAME, pid:N, or "
		"qmp:/path/to/socket. Where guests of several users have one "
		"name, NAME means your own; USER/NAME is that of USER, a "
		"user's name or number. DEST is [user@]host[:port], "
		"ssh://[user@]host[:port], an alias of ~/.ssh/config, or "
		"local. The login there must be root's or the guest's own "
		"user's.\n\n"
		"What happens is recorded (--state-dir): vmferry status tells "
		"how far it is, vmferry replay what another policy would have "
		"done.\n\n"
		"The last line says where the guest runs.",
	.examples = "vmferry migrate web1 hostb\n"
		    "vmferry migrate web1 hostb --max-blackout 50 "
		    "--deadline 120\n"
		    "vmferry migrate web1 hostb --dry-run",
	.groups = groups,
	.run = run,
};
