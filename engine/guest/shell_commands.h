/* SPDX-License-Identifier: MIT */
/*
 * shell_commands: the commands of a text for a shell, in its order; pure.
 */
#ifndef ENGINE_GUEST_SHELL_COMMANDS_H
#define ENGINE_GUEST_SHELL_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

#include "transport/base/strv.h"

enum {
	SHELL_COMMANDS_MAIN = -1,      /* in no function */
	SHELL_COMMANDS_TRAP = -2,      /* the action of a trap */
	SHELL_COMMANDS_FUNCTIONS = 64, /* at most */
};

struct shell_command {
	char *word;	 /* with its quotes */
	int scope;	 /* a function's number, or one of the above */
	bool names_qemu; /* it or an argument of it does */
	bool carries;	 /* one of its arguments is "exec" */
};

struct shell_commands {
	struct shell_command *v;
	size_t n;
	struct strv functions; /* their names */
};

/*
 * Reads @text. Words that structure a text (if, {) are no commands; those
 * between them and in $(...) are. A here-document's lines count as commands.
 * -1 when @text cannot be read so: the commands are not all, then.
 */
int shell_commands_read(const char *text, struct shell_commands *out);
void shell_commands_free(struct shell_commands *c);

#endif
