/* SPDX-License-Identifier: MIT */
/* quote: the one way words get into a shell of another host. */
#include "transport/quote.h"

#include <stdbool.h>
#include <string.h>

#include "transport/base/xalloc.h"

static const char bare_bytes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "abcdefghijklmnopqrstuvwxyz"
				 "0123456789_@%+=:,./-";

/* A shell takes these for its own grammar in the place of a command. */
static const char *const reserved[] = {
	"case",	 "do",	  "done",   "elif",	"else",	  "esac",
	"fi",	 "for",	  "if",	    "in",	"then",	  "time",
	"until", "while", "select", "function", "coproc",
};

static void quote_always(struct buf *b, const char *word)
{
	buf_append(b, "'", 1);
	while (*word) {
		size_t n = strcspn(word, "'");

		buf_append(b, word, n);
		word += n;
		if (*word) {
			buf_append(b, "'\\''", 4);
			word++;
		}
	}
	buf_append(b, "'", 1);
}

void quote_word(struct buf *b, const char *word)
{
	if (*word && !word[strspn(word, bare_bytes)])
		buf_append(b, word, strlen(word));
	else
		quote_always(b, word);
}

/* "A=b" would be an assignment and "if" a syntax error as a first word. */
static bool means_more_when_first(const char *word)
{
	if (strchr(word, '='))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
		if (!strcmp(word, reserved[i]))
			return true;
	}
	return false;
}

char *quote_text(const char *word)
{
	struct buf b = { 0 };

	quote_word(&b, word);
	return buf_steal(&b);
}

void quote_assign(struct buf *b, const char *name, const char *value)
{
	buf_printf(b, "%s=", name);
	quote_word(b, value);
	buf_printf(b, "\n");
}

char *quote_argv(const char *const *argv)
{
	struct buf b = { .base = NULL };

	for (size_t i = 0; argv[i]; i++) {
		if (i)
			buf_append(&b, " ", 1);
		if (!i && means_more_when_first(argv[i]))
			quote_always(&b, argv[i]);
		else
			quote_word(&b, argv[i]);
	}
	return buf_steal(&b);
}

/* What means nothing to any shell. */
static const char plain_bytes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz"
				  "0123456789_+:,./- ";

/*
 * Shells disagree about what is special in '…': newlines and exclamation marks
 * in csh, a backslash before another or before a quote in fish. There is none
 * of these in what printf gets.
 */
static char *through_sh(const char *line)
{
	struct buf b = { .base = NULL };

	buf_printf(&b, "exec sh -c 'eval \"exec $(printf \"");
	for (; *line; line++) {
		/* a minus might begin an option of printf */
		if (*line != '-' && strchr(plain_bytes, *line))
			buf_append(&b, line, 1);
		else
			buf_printf(&b, "\\%03o", (unsigned char)*line);
	}
	buf_printf(&b, "\")\"'");
	return buf_steal(&b);
}

char *quote_login(const char *const *argv)
{
	AUTO_FREE char *line = quote_argv(argv);

	return line[strspn(line, plain_bytes)] ? through_sh(line) : STEAL(line);
}
