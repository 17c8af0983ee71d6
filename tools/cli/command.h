/* SPDX-License-Identifier: MIT */
/*
 * command: one row a command.
 *
 * Each cmd_*.c defines its own row; command_table.c lists them.
 */
#ifndef TOOLS_CLI_COMMAND_H
#define TOOLS_CLI_COMMAND_H

#include "tools/cli/option.h"

struct cli;

/* What a shell can offer for a command's operands. */
enum command_operands {
	OPERANDS_GUEST, /* if any: a guest, then a host */
	OPERANDS_GUEST_HOSTS,
	OPERANDS_HOSTS,
	OPERANDS_COMMAND,
};

struct command {
	const char *name;
	const char *args; /* "GUEST DEST" */
	size_t min_operands, max_operands;
	enum command_operands operands;
	const char *summary;	 /* one line, no full stop */
	const char *description; /* paragraphs, separated by an empty line */
	const char *examples;	 /* one command a line; may be NULL */
	const struct option_group *const *groups; /* NULL-terminated */
	int (*run)(struct cli *cli);		  /* in a task; the exit code */
	bool deaf; /* no signal that can be ignored ends it */
	/* where 1 is an answer: the code for internal errors; 0: that one */
	int internal_code;
};

extern const struct command cmd_migrate, cmd_check, cmd_check_storage,
	cmd_forecast, cmd_list, cmd_status, cmd_recover, cmd_owns, cmd_journal,
	cmd_replay, cmd_help, cmd_version;
/* Not in the list: started by vmferry itself. */
extern const struct command cmd_guardian;

/* The row called @name in @table (NULL-terminated), or NULL. */
const struct command *command_find(const struct command *const *table,
				   const char *name);

#endif
