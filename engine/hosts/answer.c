/* SPDX-License-Identifier: MIT */
/* answer: what a script on a host answers. */
#include "engine/hosts/answer.h"

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
