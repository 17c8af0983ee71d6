/* SPDX-License-Identifier: MIT */
/* answer: what a script on a host answers. */
#include "engine/hosts/answer.h"

#include <stdlib.h>
#include <string.h>

#include "transport/base/xalloc.h"

char *answer_value(const char *text, const char *key)
{
	size_t n = strlen(key);

	while (text && *text) {
		const char *end = strchrnul(text, '\n');

		if (!strncmp(text, key, n) && text[n] == '=')
			return xstrndup(text + n + 1,
					(size_t)(end - text) - n - 1);
		text = *end ? end + 1 : end;
	}
	return NULL;
}

char *answer_safe_value(const char *text)
{
	char *copy = xstrdup(text ? text : "");

	for (char *c = copy; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	}
	return copy;
}

/* The kernel's own limit has seven digits. */
pid_t answer_pid(const char *text)
{
	size_t len = text ? strlen(text) : 0;

	if (!len || len > 9 || strspn(text, "0123456789") != len)
		return 0;
	return (pid_t)strtol(text, NULL, 10);
}
