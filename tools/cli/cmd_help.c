/* SPDX-License-Identifier: MIT */
/* vmferry help */
#include "tools/cli/cli.h"
#include "tools/cli/completion.h"
#include "tools/cli/group.h"
#include "tools/cli/help.h"
#include "tools/cli/manpage.h"

static int run(struct cli *cli)
{
	AUTO_ERR struct err err = { 0 };
	const char *word = cli->operands.n ? cli->operands.v[0] : NULL;
	const struct command *c = word ? command_find(cli->table, word) : NULL;

	if (cli->settings.man) {
		manpage_print(cli->table, stdout);
	} else if (cli->settings.completion) {
		if (completion_print(cli->table, cli->settings.completion,
				     stdout) < 0) {
			err_set(&err, ERR_USAGE,
				"no completion for shell "
				"\"%s\": there are bash and zsh",
				cli->settings.completion);
			return cli_usage(cli, &err);
		}
	} else if (c) {
		help_command(c, stdout);
	} else if (word) {
		err_set(&err, ERR_USAGE, "there is no command \"%s\"", word);
		return cli_usage(cli, &err);
	} else {
		help_all(cli->table, stdout);
	}
	return cli_end(0);
}

static const struct option_group *const groups[] = {
	&group_help,
	&group_general,
	NULL,
};

const struct command cmd_help = {
	.name = "help",
	.args = "[COMMAND]",
	.max_operands = 1,
	.operands = OPERANDS_COMMAND,
	.summary = "tells about vmferry or one of its commands",
	.description = "Tells about vmferry, or about one of its commands.",
	.groups = groups,
	.run = run,
};
