/* SPDX-License-Identifier: MIT */
/*
 * cli: what a command's run() gets, and what commands share.
 */
#ifndef TOOLS_CLI_CLI_H
#define TOOLS_CLI_CLI_H

#include <json.h>
#include <stdio.h>

#include "engine/event/exit_code.h"
#include "engine/run/migrate.h"
#include "tools/cli/command.h"
#include "tools/cli/ask.h"
#include "tools/cli/ui.h"
#include "transport/base/buf.h"

struct cli {
	const struct command *command;
	const struct command *const *table; /* of all; NULL-terminated */
	struct settings settings;
	struct strv operands;
	struct ui ui;
	struct ask ask;
	/* hosts' guests to be watched when all is done (watch.h); owned */
	struct sentry **sentries;
	size_t n_sentries;
};

/* "error: …" on stderr, with causes and the hint, one a line. */
void cli_print_error(struct cli *cli, const struct err *err);
/*
 * The same for a wrong use of a command, with the result object for --json;
 * returns EXIT_CODE_USAGE.
 */
int cli_usage(struct cli *cli, const struct err *err);

/* Prints @b, which people read: on stdout, with --json on stderr. */
void cli_print_people(struct cli *cli, struct buf *b);
/* How the place of cli_print_people() wants it. */
struct style cli_people_style(const struct cli *cli);

/* How to log in, as the settings say; borrows from @cli. */
void cli_host_options(struct cli *cli, struct host_options *out);

/*
 * The state directory (state_dir.h): the one that was given, or this host's; to
 * be freed. From a task. NULL: @err says why.
 */
char *cli_state_directory(const struct cli *cli, struct err *err);

/* What migrate and check have in common. Release with cli_plan_free(). */
struct cli_plan {
	struct migrate_options opt;
	struct argv_remap *remaps;
	struct strv dest_args;
};
int cli_plan_read(struct cli *cli, struct cli_plan *p, struct err *err);
void cli_plan_free(struct cli_plan *p);
/* ERR_USAGE, with what there is; -1. */
int cli_unknown_policy(const char *name, struct err *err);

/*
 * Prints one JSON object on stdout (taken over). Returns @code, or
 * EXIT_CODE_INTERNAL when stdout takes no more.
 */
int cli_print_json(struct json_object *o, int code);
/* Flushes stdout; @code, or EXIT_CODE_INTERNAL when it took not all. */
int cli_end(int code);

#endif
