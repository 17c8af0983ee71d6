/* SPDX-License-Identifier: MIT */
/* argv_file: reads a file of QEMU arguments, one a line. */
#include <string.h>

#include "engine/argv/argv.h"
#include "transport/base/xalloc.h"

/* Spaces around an argument do not count; inside they do. */
static char *trim(const char *line, size_t len)
{
	while (len && strchr(" \t\r", line[len - 1]))
		len--;
	while (len && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	return xstrndup(line, len);
}

int argv_file_parse(const char *text, size_t len, struct strv *out,
		    struct err *err)
{
	const char *end = text + len;
	unsigned int number = 0;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;
		AUTO_FREE char *line = NULL;

		number++;
		if (memchr(text, '\0', (size_t)(stop - text))) {
			strv_free(out);
			return err_set(err, ERR_USAGE,
				       "line %u of the arguments has a NUL "
				       "byte",
				       number);
		}
		line = trim(text, (size_t)(stop - text));
		if (*line && *line != '#')
			strv_take(out, STEAL(line));
		text = newline ? newline + 1 : end;
	}
	return 0;
}
