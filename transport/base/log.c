/* SPDX-License-Identifier: MIT */
/* log: debug messages, handed to the program that uses the library. */
#include "transport/base/log.h"

#include <stdarg.h>

#include "transport/base/xalloc.h"

static struct {
	log_sink *sink;
	void *arg;
} logger;

void log_set_sink(log_sink *sink, void *arg)
{
	logger.sink = sink;
	logger.arg = arg;
}

void log_line(enum log_level level, const char *side, const char *fmt, ...)
{
	AUTO_FREE char *text = NULL;
	va_list ap;

	if (!logger.sink)
		return;
	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	logger.sink(logger.arg, level, side, text);
}
