/* SPDX-License-Identifier: MIT */
/* shell_words: the words of a text for a shell. */
#include "engine/guest/shell_words.h"

#include <string.h>

/* Behind the quotes that begin at @p; NULL when they are not closed. */
static const char *skip_quoted(const char *p)
{
	const char quote = *p++;

	while (*p && *p != quote)
		p += *p == '\\' && quote == '"' && p[1] ? 2 : 1;
	return *p ? p + 1 : NULL;
}

static const char *skip_braces(const char *p)
{
	p += strcspn(p, "}\n");
	return p + (*p == '}');
}

const char *shell_words_skip(const char *p)
{
	while (p && *p && !strchr(SHELL_WORDS_ENDS, *p)) {
		if (*p == '"' || *p == '\'')
			p = skip_quoted(p);
		else if (*p == '$' && p[1] == '{')
			p = skip_braces(p);
		else
			p += *p == '\\' && p[1] ? 2 : 1;
	}
	return p;
}

bool shell_words_has(const char *const *list, const char *word, size_t len)
{
	for (; *list; list++) {
		if (strlen(*list) == len && !strncmp(*list, word, len))
			return true;
	}
	return false;
}

bool shell_words_is_assignment(const char *word, size_t len)
{
	const char *equals = memchr(word, '=', len);

	return equals && equals > word;
}
