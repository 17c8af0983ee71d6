/* SPDX-License-Identifier: MIT */
/* vmferry check-storage: whether two hosts see the same storage. */
#include "engine/run/check_storage.h"
#include "tools/cli/cli.h"
#include "tools/cli/group.h"
#include "tools/cli/text.h"
#include "transport/base/xalloc.h"

static void print_people(struct cli *cli, const struct check_storage *c,
			 const struct check_storage_options *opt)
{
	AUTO_FREE char *line = check_storage_line(c, opt);
	struct style style = cli_people_style(cli);
	AUTO_BUF struct buf b = { 0 };

	text_put(&b, style.utf8, line);
	buf_printf(&b, ".\n");
	if (c->remedy) {
		buf_printf(&b, "  hint: ");
		text_put(&b, style.utf8, c->remedy);
		buf_printf(&b, "\n");
	}
	cli_print_people(cli, &b);
}

static int code_of(const struct err *e)
{
	switch (e->kind) {
	case ERR_CANCELLED:
		return EXIT_CODE_CANCELLED;
	case ERR_INTERNAL:
	case ERR_SYSTEM:
		return EXIT_CODE_INTERNAL;
	default:
		return EXIT_CODE_UNREACHABLE;
	}
}

static int fail(struct cli *cli, const struct err *e)
{
	struct json_object *o;
	int code = code_of(e);

	if (e->kind == ERR_USAGE)
		return cli_usage(cli, e);
	cli_print_error(cli, e);
	if (!cli->settings.json)
		return cli_end(code);
	o = json_object_new_object();
	json_object_object_add(o, "exit_code", json_object_new_int(code));
	json_object_object_add(o, "error", result_error_to_json(e));
	return cli_end(cli_print_json(o, code));
}

static int run(struct cli *cli)
{
	AUTO_ERR struct err err = { 0 };
	struct check_storage_options opt = {
		.path = cli->operands.v[0],
		.hosts = { cli->operands.v[1], cli->operands.v[2] },
	};
	struct check_storage c = { .remedy = NULL };
	int code;

	cli_host_options(cli, &opt.ssh);
	if (check_storage_ask(&opt, &c, &err) < 0) {
		code = fail(cli, &err);
	} else {
		code = check_storage_exit_code(&c);
		print_people(cli, &c, &opt);
		if (cli->settings.json)
			code = cli_print_json(check_storage_to_json(&c, &opt),
					      code);
		code = cli_end(code);
	}
	check_storage_free(&c);
	return code;
}

static const struct option_group *const groups[] = {
	&group_login,
	&group_speech,
	&group_general,
	NULL,
};

const struct command cmd_check_storage = {
	.name = "check-storage",
	.args = "PATH HOST HOST",
	.min_operands = 3,
	.max_operands = 3,
	.summary = "says whether two hosts see the same storage at a path",
	.description =
		"Says whether PATH, a directory, an image or a block device, "
		"is "
		"the same on both hosts, as migrate and check prove it for the "
		"disks of a guest: 0 when it is, 3 when it is another one, or "
		"that cannot be proved.\n\n"
		"A file with a random name is made in that directory, or "
		"beside the image, on the first host, looked for on the "
		"second, and removed; after a crash the next command on the "
		"first host removes it. So the logins need the right to write "
		"there. Where they have none, server, export and inode of a "
		"network file system are compared. Block devices are compared "
		"by identifier, size and some of their blocks. When both hosts "
		"are one machine, its own numbers of the file are enough.\n\n"
		"A HOST is local, or written as for migrate. Where the second "
		"host does not have the storage, the hint says how the first "
		"has it mounted, and whether /etc/fstab of the second knows "
		"it, or under which other path it is there (--remap).\n\n"
		"--json: path, outcome (same, another, likely, unknown), "
		"exit_code, why, remedy, hosts.",
	.examples = "vmferry check-storage /srv/vm local hostb\n"
		    "vmferry check-storage /dev/disk/by-id/wwn-0x6001 hosta "
		    "hostb",
	.groups = groups,
	.run = run,
};
