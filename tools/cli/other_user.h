/* SPDX-License-Identifier: MIT */
/*
 * other_user: what root asks of a guest of another user's: the same command,
 * run with that user's rights (on_behalf.h), for what lies in that user's
 * directories.
 */
#ifndef TOOLS_CLI_OTHER_USER_H
#define TOOLS_CLI_OTHER_USER_H

#include <json.h>

#include "engine/hosts/guest_user.h"
#include "tools/cli/cli.h"

/*
 * Whether @who's own state directory is to be looked at: @who is another user,
 * and --state-dir names no directory that is not that user's.
 */
bool other_user_has_state(const struct cli *cli, const struct guest_user *who);
/* Whether --state-dir names one of that user's, where root reads nothing. */
bool other_user_only(const struct cli *cli, const struct guest_user *who);

/*
 * Runs the command of @cli for @who, with its settings, but asking nothing.
 * What it prints for people is printed, cleaned; with --json its object is *o,
 * owned. Returns its exit code; -1 when it could not be run, or did not answer
 * so.
 */
int other_user_run(struct cli *cli, const struct guest_user *who,
		   struct json_object **o, struct err *err);

#endif
