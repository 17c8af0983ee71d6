/* SPDX-License-Identifier: MIT */
/* vmferry check: preflight only. */
#include "qmp/json_fields.h"
#include "qmp/json.h"
#include "tools/cli/cli.h"
#include "tools/cli/group.h"
#include "tools/cli/receipt.h"
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

static void put_count(struct buf *b, size_t n, const char *what)
{
	buf_printf(b, "%zu %s%s", n, what, n == 1 ? "" : "s");
}

/* "2 problems, 1 warning. Nothing was changed. db2 is RUNNING on hosta." */
static void put_summary(struct buf *b, const struct style *style,
			const struct checks *list, const struct result *r)
{
	AUTO_FREE char *last = result_last_line(r);

	if (list->n) {
		put_count(b, checks_count(list, CHECK_FAIL), "problem");
		buf_printf(b, ", ");
		put_count(b, checks_count(list, CHECK_WARN), "warning");
		buf_printf(b, ". ");
	}
	text_put(b, style->utf8, last);
	buf_append(b, "\n", 1);
}

static void print_people(struct cli *cli, const struct checks *list,
			 const struct result *r)
{
	struct style style = cli_people_style(cli);
	AUTO_BUF struct buf b = { 0 };

	for (size_t i = 0; i < list->n; i++) {
		if (!cli->settings.quiet || list->v[i].verdict != CHECK_PASS)
			receipt_check(&b, &style, &list->v[i]);
	}
	/* refused by the checks above, or never got to them */
	if (r->error.kind != ERR_NONE && !checks_count(list, CHECK_FAIL))
		cli_print_error(cli, &r->error);
	put_summary(&b, &style, list, r);
	cli_print_people(cli, &b);
}

static int run(struct cli *cli)
{
	AUTO_ERR struct err err = { 0 };
	struct checks list = { 0 };
	struct result r;
	struct cli_plan p;
	int code;

	if (cli_plan_read(cli, &p, &err) < 0) {
		cli_plan_free(&p);
		return cli_usage(cli, &err);
	}
	result_init(&r);
	/* the lines below say it all */
	cli->ui.quiet = true;
	migrate_check(&p.opt, &list, &r);
	code = result_exit_code(&r);
	print_people(cli, &list, &r);
	if (cli->settings.json)
		code = cli_print_json(to_json(&list, &r), code);
	checks_free(&list);
	result_free(&r);
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
		"last two with what to do about it. Nothing is changed "
		"anywhere, but for a moment there is a file with a random name "
		"beside each image, unless both hosts are one machine: a host "
		"that sees it has the same storage (see check-storage).\n\n"
		"Exit code 3 when a check fails.",
	.examples = "vmferry check web1 root@hostb\n"
		    "vmferry check pid:4211 hostb --remap /srv/vm=/data/vm",
	.groups = groups,
	.run = run,
};
