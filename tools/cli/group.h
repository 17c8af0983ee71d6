/* SPDX-License-Identifier: MIT */
/*
 * group: the options, in the groups that commands take.
 */
#ifndef TOOLS_CLI_GROUP_H
#define TOOLS_CLI_GROUP_H

#include "tools/cli/option.h"

extern const struct option_group group_general, group_speech, group_login,
	group_plan, group_budget, group_forecast, group_run, group_help,
	group_state, group_watch, group_recover, group_owns, group_replay;

/* All of them; NULL-terminated. */
extern const struct option_group *const group_all[];

/* The option @name of any group, whatever the command; NULL: there is none. */
const struct option *group_any_option(const char *name);

#endif
