/* SPDX-License-Identifier: MIT */
/*
 * layers: settings below the command line: environment variables
 * VMFERRY_OPTION_NAME, then the user's configuration file, then the machine's.
 */
#ifndef TOOLS_CLI_LAYERS_H
#define TOOLS_CLI_LAYERS_H

#include "tools/cli/command.h"

/*
 * Fills what the command line left open, for the options that @c takes.
 * ERR_USAGE names the variable, or file and line.
 */
int layers_read(const struct command *c, struct settings *s, struct err *err);

/* One file's text; @name is for messages. For tests, too. */
int layers_read_text(const struct command *c, struct settings *s,
		     const char *name, char *text, struct err *err);

#endif
