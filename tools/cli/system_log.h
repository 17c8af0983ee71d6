/* SPDX-License-Identifier: MIT */
/*
 * system_log: messages for when no user is left to read them.
 */
#ifndef TOOLS_CLI_SYSTEM_LOG_H
#define TOOLS_CLI_SYSTEM_LOG_H

/* One line for syslog(3), as a daemon's warning. */
void system_log(const char *text);

#endif
