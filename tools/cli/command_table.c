/* SPDX-License-Identifier: MIT */
/* command_table: the commands, in the order in which people read them. */
#include "tools/cli/command_table.h"

#include <stddef.h>

const struct command *const command_table[] = {
	&cmd_migrate, &cmd_check,  &cmd_check_storage, &cmd_forecast,
	&cmd_list,    &cmd_status, &cmd_recover,       &cmd_owns,
	&cmd_journal, &cmd_replay, &cmd_help,	       &cmd_version,
	NULL,
};
