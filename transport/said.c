/* SPDX-License-Identifier: MIT */
/* said: what a program or a host has printed, for an error's text. */
#include "transport/said.h"

#include <stddef.h>
#include <string.h>

#include "transport/base/buf.h"

/* Before the last lines there may be a banner. */
enum { LINES = 10 };

char *said_in_one_line(char *text)
{
	struct buf b = { .base = NULL };
	const char *line[LINES];
	char *save = NULL;
	size_t n = 0;

	for (const char *l = strtok_r(text, "\r\n", &save); l;
	     l = strtok_r(NULL, "\r\n", &save)) {
		if (*l != '@' && strncmp(l, "Warning: Permanently", 20))
			line[n++ % LINES] = l;
	}
	for (size_t i = n > LINES ? n - LINES : 0; i < n; i++)
		buf_printf(&b, "%s%s", buf_len(&b) ? "; " : "",
			   line[i % LINES]);
	return buf_steal(&b);
}
