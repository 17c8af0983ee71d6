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
