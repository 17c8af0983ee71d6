/* SPDX-License-Identifier: MIT */
/*
 * help: help texts, of all commands (a NULL-terminated table) and of one.
 */
#ifndef TOOLS_CLI_HELP_H
#define TOOLS_CLI_HELP_H

#include <stdio.h>

#include "tools/cli/command.h"

void help_all(const struct command *const *table, FILE *out);
void help_command(const struct command *c, FILE *out);

#endif
