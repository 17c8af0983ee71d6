/* SPDX-License-Identifier: MIT */
/* command: the list of commands. */
#include "tools/cli/command.h"

#include <string.h>

const struct command *const commands[] = {
	&cmd_migrate, &cmd_check,   &cmd_forecast, &cmd_list,
	&cmd_status,  &cmd_recover, &cmd_journal,  &cmd_replay,
	&cmd_help,    &cmd_version, NULL,
};

const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++) {
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	}
	return NULL;
}
