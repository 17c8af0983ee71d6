/* SPDX-License-Identifier: MIT */
/* system_log: messages for when no user is left to read them. */
#include "tools/cli/system_log.h"

#include <syslog.h>

void system_log(const char *text)
{
	openlog("vmferry", LOG_PID, LOG_DAEMON);
	syslog(LOG_WARNING, "%s", text);
	closelog();
}

void system_log_warnings(void *arg, enum log_level level, const char *side,
			 const char *text)
{
	(void)arg;
	(void)side;
	if (level == LOG_WARN)
		system_log(text);
}
