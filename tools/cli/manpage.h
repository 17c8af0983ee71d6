/* SPDX-License-Identifier: MIT */
/*
 * manpage: vmferry(1) in man(7) macros, from the tables and prose.
 */
#ifndef TOOLS_CLI_MANPAGE_H
#define TOOLS_CLI_MANPAGE_H

#include <stdio.h>

#include "tools/cli/command.h"

/* @table: of all commands; NULL-terminated. */
void manpage_print(const struct command *const *table, FILE *out);

#endif
