/* SPDX-License-Identifier: MIT */
/* system_log: what is told where no user is left to tell. */
#include "tools/cli/system_log.h"

#include <syslog.h>

void system_log(const char *text)
{
	openlog("vmferry", LOG_PID, LOG_DAEMON);
	syslog(LOG_WARNING, "%s", text);
	closelog();
}
