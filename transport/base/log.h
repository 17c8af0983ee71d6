/* SPDX-License-Identifier: MIT */
/*
 * log: debug messages, handed to the program that uses the library.
 *
 * The library never prints: lines go to one sink, set once at the start, and
 * nowhere when there is none. A line names its side ("source", "destination",
 * a host, or NULL) and never holds a secret. May be called from any thread.
 */
#ifndef TRANSPORT_BASE_LOG_H
#define TRANSPORT_BASE_LOG_H

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN };

typedef void log_sink(void *arg, enum log_level level, const char *side,
		      const char *text);

/* Not thread-safe: call it before any thread starts. NULL: no logging. */
void log_set_sink(log_sink *sink, void *arg);

void log_line(enum log_level level, const char *side, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define log_debug(side, ...) log_line(LOG_DEBUG, side, __VA_ARGS__)
#define log_info(side, ...) log_line(LOG_INFO, side, __VA_ARGS__)
#define log_warn(side, ...) log_line(LOG_WARN, side, __VA_ARGS__)

#endif
