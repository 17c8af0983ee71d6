/* SPDX-License-Identifier: MIT */
/* vmferry check: preflight only. */
#include <stdlib.h>

#include "qmp/json.h"
#include "tools/cli/cli.h"
#include "transport/base/xalloc.h"

static struct json_object *to_json(const struct checks *list,
				   const struct result *r)
{
	struct json_object *all = json_object_new_array();
	struct json_object *o = json_new();

	for (size_t i = 0; i < list->n; i++)
		json_object_array_add(all, check_to_json(&list->v[i]));
	o = json_add_str(o, "guest", r->guest);
	o = json_add_sub(o, "checks", all);
	o = json_add_str(o, "verdict",
			 r->outcome == OUTCOME_READY ?
				 check_verdict_name(checks_worst(list)) :
				 "fail");
	o = json_add_i64(o, "exit_code", result_exit_code(r));
	return json_add_sub(o, "error", err_to_json(&r->error));
}

static void print_summary(const struct checks *list, const struct result *r)
{
	AUTO_FREE char *last = result_last_line(r);
	size_t bad = checks_count(list, CHECK_FAIL);
	size_t warn = checks_count(list, CHECK_WARN);

	printf("%zu problem%s, %zu warning%s. %s\n", bad, bad == 1 ? "" : "s",
	       warn, warn == 1 ? "" : "s", last);
}

static int run(struct cli *cli)
{
	AUTO_ERR struct err err = { 0 };
	struct checks list = { 0 };
	struct result r;
	struct cli_plan p;
	int code;

	if (cli_plan_read(cli, &p, &err) < 0)
		return cli_usage(cli->command, &err);
	result_init(&r);
	/* the lines below say it all */
	cli->ui.voice = UI_SILENT;
	migrate_check(&p.opt, &list, &r);
	code = result_exit_code(&r);
	if (cli->settings.json) {
		code = cli_print_json(to_json(&list, &r), code);
	} else {
		for (size_t i = 0; i < list.n; i++)
			ui_check(&cli->ui, &list.v[i], stdout);
		/* refused by the checks above, or never got to them */
		if (r.error.kind != ERR_NONE &&
		    !checks_count(&list, CHECK_FAIL))
			cli_tell_error(&r.error);
		print_summary(&list, &r);
		code = cli_end(code);
	}
	checks_free(&list);
	result_free(&r);
	cli_plan_free(&p);
	return code;
}

static const struct option_group *const groups[] = {
	&group_plan, &group_login, &group_speech, &group_general, NULL,
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
		"last two with what to do about it. Nothing is changed "
		"anywhere.\n\n"
		"Exit code 3 when a check fails.",
	.examples = "vmferry check web1 root@hostb\n"
		    "vmferry check pid:4211 hostb --remap /srv/vm=/data/vm",
	.groups = groups,
	.run = run,
};
