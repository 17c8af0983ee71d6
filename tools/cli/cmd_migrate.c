/* SPDX-License-Identifier: MIT */
/* vmferry migrate: the live migration. */
#include <stdlib.h>

#include "qmp/json.h"
#include "tools/cli/cli.h"
#include "transport/base/xalloc.h"

/* With --json the lines for people go to stderr. */
static FILE *people(const struct cli *cli)
{
	return cli->settings.json ? stderr : stdout;
}

static int finish(struct cli *cli, const struct result *r)
{
	AUTO_FREE char *last = result_last_line(r);
	int code = result_exit_code(r);

	if (r->error.kind != ERR_NONE)
		cli_tell_error(&r->error);
	fflush(stderr);
	if (r->outcome == OUTCOME_MIGRATED && !cli->settings.quiet)
		ui_receipt(&cli->ui, r, people(cli));
	fprintf(people(cli), "%s\n", last);
	if (cli->settings.json)
		return cli_print_json(result_to_json(r), code);
	return cli_end(code);
}

static int dry_run(struct cli *cli, const struct cli_plan *p,
		   struct result *r)
{
	AUTO_STRV struct strv plan = { 0 };
	struct checks list = { 0 };

	migrate_plan(&p->opt, &list, &plan, r);
	for (size_t i = 0; i < list.n; i++)
		ui_check(&cli->ui, &list.v[i], people(cli));
	for (size_t i = 0; i < plan.n; i++)
		fprintf(people(cli), "%s\n", plan.v[i]);
	checks_free(&list);
	return finish(cli, r);
}

static int run(struct cli *cli)
{
	AUTO_ERR struct err err = { 0 };
	struct result r;
	struct cli_plan p;
	int code;

	if (cli_plan_read(cli, &p, &err) < 0)
		return cli_usage(cli->command, &err);
	result_init(&r);
	if (cli->settings.dry_run) {
		cli->ui.voice = UI_SILENT;
		code = dry_run(cli, &p, &r);
	} else {
		migrate_run(&p.opt, &r);
		ui_clear(&cli->ui);
		code = finish(cli, &r);
	}
	result_free(&r);
	cli_plan_free(&p);
	return code;
}

static const struct option_group *const groups[] = {
	&group_run, &group_plan, &group_login, &group_speech, &group_general,
	NULL,
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
		"GUEST is a name (QEMU's -name), pid:N, or qmp:/path/to/socket. "
		"DEST is [user@]host[:port], ssh://[user@]host[:port], an alias "
		"of ~/.ssh/config, or local. The login there must be root's or "
		"the guest's own user's.\n\n"
		"The last line says where the guest runs.",
	.examples = "vmferry migrate web1 hostb\n"
		    "vmferry migrate web1 hostb --max-blackout 50 "
		    "--deadline 120\n"
		    "vmferry migrate web1 hostb --dry-run",
	.groups = groups,
	.run = run,
};
