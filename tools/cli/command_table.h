/* SPDX-License-Identifier: MIT */
/*
 * command_table: the commands, in the order in which people read them.
 *
 * Only main.c and tests know it; everybody else is handed it.
 */
#ifndef TOOLS_CLI_COMMAND_TABLE_H
#define TOOLS_CLI_COMMAND_TABLE_H

#include "tools/cli/command.h"

/* NULL-terminated. */
extern const struct command *const command_table[];

#endif
