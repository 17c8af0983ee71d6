/* SPDX-License-Identifier: MIT */
/*
 * system_log: what is told where no user is left to tell.
 */
#ifndef TOOLS_CLI_SYSTEM_LOG_H
#define TOOLS_CLI_SYSTEM_LOG_H

/* One line for syslog(3), as a daemon's warning. */
void system_log(const char *text);

#endif
