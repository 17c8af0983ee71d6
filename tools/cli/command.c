/* SPDX-License-Identifier: MIT */
/* command: finds a command in the table of all. */
#include "tools/cli/command.h"

#include <string.h>

const struct command *command_find(const struct command *const *table,
				   const char *name)
{
	for (size_t i = 0; table[i]; i++) {
		if (!strcmp(table[i]->name, name))
			return table[i];
	}
	return NULL;
}
