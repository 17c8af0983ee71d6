/* SPDX-License-Identifier: MIT */
/*
 * help: everything that is printed from the command table: help texts, the man
 * page, shell completions.
 */
#ifndef TOOLS_CLI_HELP_H
#define TOOLS_CLI_HELP_H

#include <stdio.h>

#include "tools/cli/command.h"

void help_all(FILE *out);
void help_command(const struct command *c, FILE *out);
/* manpage.c */
void help_man(FILE *out);
/* completion.c; -1 for a shell that is not known */
int help_completion(const char *shell, FILE *out);

#endif
