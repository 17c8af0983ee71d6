/* SPDX-License-Identifier: MIT */
/*
 * watch: a process in the background that watches this host for a second start
 * of guests that have left it.
 */
#ifndef TOOLS_CLI_WATCH_H
#define TOOLS_CLI_WATCH_H

#include "tools/cli/cli.h"

/*
 * Makes this process one of nobody's, which anybody may end: in a session of
 * its own, with no file but /dev/null, no blocked signal, and the directory /
 * unless the state directory is relative.
 */
void watch_let_go(const struct cli *cli);
/*
 * Watches for cli->sentries (none: does nothing) in a child, as long as the
 * settings say, and frees them. With no loop running.
 */
void watch_in_background(struct cli *cli);

#endif
