/* SPDX-License-Identifier: MIT */
/*
 * completion: bash and zsh completions from the tables.
 */
#ifndef TOOLS_CLI_COMPLETION_H
#define TOOLS_CLI_COMPLETION_H

#include <stdio.h>

#include "tools/cli/command.h"

/* @table: of all commands; NULL-terminated. -1: @shell is neither. */
int completion_print(const struct command *const *table, const char *shell,
		     FILE *out);

#endif
