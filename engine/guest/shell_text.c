/* SPDX-License-Identifier: MIT */
/* shell_text: whether a text for a shell can start its commands again. */
#include "engine/guest/shell_text.h"

#include <stddef.h>
#include <string.h>

#include "transport/base/xalloc.h"

static const char blanks[] = " \t";
static const char ends[] = " \t\n;&|(){}<>`";

static bool is_one_of(const char *word, size_t len, const char *const *list)
{
	for (; *list; list++) {
		if (strlen(*list) == len && !strncmp(*list, word, len))
			return true;
	}
	return false;
}

static bool is_loop(const char *word, size_t len)
{
	static const char *const words[] = { "while",  "until",	  "for",
					     "select", "repeat",  "foreach",
					     "loop",   "forever", NULL };

	return is_one_of(word, len, words);
}

static bool is_itself(const char *word, size_t len)
{
	static const char *const words[] = {
		"$0",		"\"$0\"",	    "${0}", "\"${0}\"",
		"$BASH_SOURCE", "\"$BASH_SOURCE\"", NULL,
	};

	return is_one_of(word, len, words);
}

/* Behind which the next word is a command as well. */
static bool leads_on(const char *word, size_t len)
{
	static const char *const words[] = {
		"!",	   "do",    "then", "else", "elif", "if",     "time",
		"exec",	   "eval",  "sh",   "bash", ".",    "source", "nohup",
		"command", "begin", "and",  "or",   "not",  NULL,
	};

	return is_one_of(word, len, words);
}

static bool is_assignment(const char *word, size_t len)
{
	const char *equals = memchr(word, '=', len);

	return equals && equals > word;
}

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

static const char *skip_word(const char *p)
{
	while (p && *p && !strchr(ends, *p)) {
		if (*p == '"' || *p == '\'')
			p = skip_quoted(p);
		else if (*p == '$' && p[1] == '{')
			p = skip_braces(p);
		else
			p += *p == '\\' && p[1] ? 2 : 1;
	}
	return p;
}

/* Behind what separates words; *first: a command may begin there. */
static const char *skip_between(const char *p, bool *first)
{
	for (;;) {
		p += strspn(p, blanks);
		if (*p == '\\' && p[1] == '\n')
			p += 2;
		else if (*p == '#')
			p += strcspn(p, "\n");
		else if (*p && strchr("\n;&|({`", *p)) {
			*first = true;
			p++;
		} else if (*p && strchr(")}<>", *p)) {
			/* behind `case` patterns commands begin, too */
			*first = *p == ')' ? true : *first && *p == '}';
			p++;
		} else {
			return p;
		}
	}
}

/* Whether a line begins with a loop, whatever quotes it may be in. */
static bool has_loop_line(const char *p)
{
	while (*p) {
		size_t len;

		p += strspn(p, " \t\n");
		len = strcspn(p, ends);
		if (is_loop(p, len))
			return true;
		p += strcspn(p, "\n");
	}
	return false;
}

bool shell_text_repeats(const char *text)
{
	bool first = true;
	const char *p = text;

	/* an apostrophe in a here-document opens no quotes */
	if (has_loop_line(text))
		return true;
	while (*(p = skip_between(p, &first))) {
		const char *word = p;
		size_t len;

		p = skip_word(p);
		if (!p)
			return true;
		len = (size_t)(p - word);
		if (first && (is_loop(word, len) || is_itself(word, len)))
			return true;
		first = first &&
			(leads_on(word, len) || is_assignment(word, len));
	}
	return false;
}
