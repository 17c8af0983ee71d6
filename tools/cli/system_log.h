/* SPDX-License-Identifier: MIT */
/*
 * system_log: messages for when no user is left to read them.
 */
#ifndef TOOLS_CLI_SYSTEM_LOG_H
#define TOOLS_CLI_SYSTEM_LOG_H

#include "transport/base/log.h"

/* One line for syslog(3), as a daemon's warning. */
void system_log(const char *text);
/* A sink of log.h: warnings go there, nothing else does. */
void system_log_warnings(void *arg, enum log_level level, const char *side,
			 const char *text);

#endif
