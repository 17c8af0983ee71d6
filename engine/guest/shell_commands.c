/* SPDX-License-Identifier: MIT */
/* shell_commands: the commands of a text for a shell. */
#include "engine/guest/shell_commands.h"

#include <stdlib.h>
#include <string.h>

#include "engine/guest/shell_words.h"
#include "transport/base/xalloc.h"

enum { MOST_DEEP = 16 };

struct reader {
	struct shell_commands *out;
	const char *p;
	bool first;  /* a command may begin here */
	int current; /* the command whose arguments follow, or -1 */
	int scope;
	int deep;      /* texts within texts */
	int braces;    /* that are open */
	int cases;     /* likewise */
	int announced; /* the function whose body comes next, or -1 */
	int outer_scope, body_braces; /* of the function that is open */
};

static int read_text(const char *text, int scope, int deep,
		     struct shell_commands *out);

void shell_commands_free(struct shell_commands *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->v[i].word);
	free(c->v);
	strv_free(&c->functions);
	*c = (struct shell_commands){ .v = NULL };
}

/* --- words ---------------------------------------------------------------- */

static bool has(const char *word, size_t len, const char *part)
{
	return memmem(word, len, part, strlen(part)) != NULL;
}

static void add_command(struct reader *r, const char *word, size_t len)
{
	struct shell_commands *c = r->out;
	const char *slash = memrchr(word, '/', len);
	const char *name = slash ? slash + 1 : word;
	size_t name_len = len - (size_t)(name - word);

	c->v = xrealloc(c->v, c->n + 1, sizeof(*c->v));
	c->v[c->n] = (struct shell_command){
		.word = xstrndup(word, len),
		.scope = r->scope,
		.names_qemu = has(name, name_len, "qemu") ||
			      has(name, name_len, "QEMU"),
	};
	r->current = (int)c->n++;
}

/* What is between the quotes of a word that is one string. */
static char *unquote(const char *word, size_t len)
{
	if (len >= 2 && (*word == '\'' || *word == '"') &&
	    word[len - 1] == *word)
		return xstrndup(word + 1, len - 2);
	return xstrndup(word, len);
}

/* Commands in a "$(...)" or "`...`" are commands, too. */
static int read_substitutions(struct reader *r, const char *word, size_t len)
{
	AUTO_FREE char *text = xstrndup(word, len);
	const char *p = text;

	if (!strchr(text, '"'))
		return 0;
	while ((p = strpbrk(p, "$`"))) {
		AUTO_FREE char *inner = NULL;

		if (*p == '$' && (p[1] != '(' || p[2] == '(')) {
			p += 1 + (p[1] == '(');
			continue;
		}
		p += *p == '$' ? 2 : 1;
		inner = xstrndup(p, strcspn(p, ")`\""));
		if (read_text(inner, r->scope, r->deep + 1, r->out) < 0)
			return -1;
		p += strlen(inner);
		p += *p != '\0';
	}
	return 0;
}

static int read_argument(struct reader *r, const char *word, size_t len)
{
	struct shell_command *c = r->current < 0 ? NULL
						 : &r->out->v[r->current];
	AUTO_FREE char *text = NULL;

	if (c && !strcmp(c->word, "trap")) {
		r->current = -1;
		text = unquote(word, len);
		return strcmp(text, "-") != 0
			       ? read_text(text, SHELL_COMMANDS_TRAP,
					   r->deep + 1, r->out)
			       : 0;
	}
	if (c && (has(word, len, "qemu-system-") || has(word, len, "qemu-kvm")))
		c->names_qemu = true;
	if (c && len == 4 && !strncmp(word, "exec", 4))
		c->carries = true;
	return read_substitutions(r, word, len);
}

/* --- structure ------------------------------------------------------------ */

static void skip_blanks(struct reader *r)
{
	for (;;) {
		r->p += strspn(r->p, SHELL_WORDS_BLANKS);
		if (*r->p == '\\' && r->p[1] == '\n')
			r->p += 2;
		else if (*r->p == '#')
			r->p += strcspn(r->p, "\n");
		else
			return;
	}
}

/* The patterns of a branch, up to their ")". */
static int skip_patterns(struct reader *r)
{
	while (*r->p && strchr(" \t\n", *r->p))
		r->p++;
	if (!strncmp(r->p, "esac", 4))
		return 0;
	r->p += strcspn(r->p, ")");
	if (!*r->p)
		return -1;
	r->p++;
	r->first = true;
	return 0;
}

static int begin_case(struct reader *r)
{
	const char *in;

	r->cases++;
	r->p += strspn(r->p, SHELL_WORDS_BLANKS);
	in = shell_words_skip(r->p);
	if (!in)
		return -1;
	in += strspn(in, " \t\n");
	if (strncmp(in, "in", 2) != 0 || !in[2] || !strchr(" \t\n", in[2]))
		return -1;
	r->p = in + 2;
	return skip_patterns(r);
}

static int announce(struct reader *r, const char *name, size_t len)
{
	if (r->scope >= 0 || r->out->functions.n == SHELL_COMMANDS_FUNCTIONS)
		return -1; /* within another one, or too many */
	strv_take(&r->out->functions, xstrndup(name, len));
	r->announced = (int)r->out->functions.n - 1;
	r->first = true;
	return 0;
}

static void open_brace(struct reader *r)
{
	r->braces++;
	r->first = true;
	if (r->announced < 0)
		return;
	r->outer_scope = r->scope;
	r->scope = r->announced;
	r->announced = -1;
	r->body_braces = r->braces;
}

static void close_brace(struct reader *r)
{
	if (r->scope >= 0 && r->braces == r->body_braces)
		r->scope = r->outer_scope;
	r->braces--;
}

static void skip_redirection(struct reader *r)
{
	const char *end;

	r->p += strspn(r->p, "<>");
	if (*r->p == '(')
		return;
	r->p += strspn(r->p, "&|-");
	r->p += strspn(r->p, SHELL_WORDS_BLANKS);
	end = shell_words_skip(r->p);
	r->p = end ? end : r->p;
}

/* What is no word; false: a word, or the end. */
static bool read_mark(struct reader *r, int *rc)
{
	char c = *r->p;

	if (!c || !strchr(SHELL_WORDS_ENDS, c))
		return false;
	if (c == '<' || c == '>') {
		skip_redirection(r);
		return true;
	}
	r->p++;
	if (c == '{')
		open_brace(r);
	else if (c == '}')
		close_brace(r);
	else
		r->first = true;
	if (c == ';' && *r->p == ';' && r->cases > 0) {
		r->p += strspn(r->p, ";&");
		*rc = skip_patterns(r);
	}
	return true;
}

/* --- commands ------------------------------------------------------------- */

static const char *const structure[] = {
	"!",	"do",	 "then", "else", "elif", "if",	"time", "fi",
	"done", "begin", "end",	 "and",	 "or",	 "not", NULL,
};
/* Behind these the next word is a command, too. */
static const char *const prefixes[] = { "exec",	 "eval",    "sh",
					"bash",	 ".",	    "source",
					"nohup", "command", NULL };

static int read_first(struct reader *r, const char *word, size_t len)
{
	static const char *const blocks[] = { "case", NULL };
	static const char *const looks[] = { "-v", "-V", NULL };
	size_t blank = strspn(r->p, SHELL_WORDS_BLANKS);

	if (r->p[blank] == '(' && r->p[blank + 1] == ')') {
		r->p += blank + 2;
		return announce(r, word, len);
	}
	r->current = -1;
	if (shell_words_has(blocks, word, len))
		return begin_case(r);
	if (len == 4 && !strncmp(word, "esac", 4)) {
		r->cases--;
		return 0;
	}
	if (len == 8 && !strncmp(word, "function", 8))
		return -1;
	if (shell_words_has(structure, word, len) ||
	    shell_words_has(prefixes, word, len))
		return 0;
	if (shell_words_is_assignment(word, len))
		return read_substitutions(r, word, len);
	r->first = false;
	/* of `command` */
	if (shell_words_has(looks, word, len))
		return 0;
	/* a body that is no group */
	if (r->announced >= 0)
		return -1;
	add_command(r, word, len);
	return read_substitutions(r, word, len);
}

static int read_word(struct reader *r)
{
	const char *word = r->p;
	const char *end;

	end = shell_words_skip(word);
	if (!end)
		return -1;
	/* $((...)) starts nothing */
	if (end > word && end[-1] == '$' && !strncmp(end, "((", 2)) {
		end = strstr(end, "))");
		if (!end)
			return -1;
		end += 2;
	}
	r->p = end;
	return r->first ? read_first(r, word, (size_t)(end - word))
			: read_argument(r, word, (size_t)(end - word));
}

static int read_text(const char *text, int scope, int deep,
		     struct shell_commands *out)
{
	struct reader r = {
		.out = out,
		.p = text,
		.first = true,
		.current = -1,
		.scope = scope,
		.deep = deep,
		.announced = -1,
	};
	int rc = deep < MOST_DEEP ? 0 : -1;

	while (rc == 0) {
		skip_blanks(&r);
		if (!*r.p)
			break;
		if (!read_mark(&r, &rc))
			rc = read_word(&r);
	}
	return rc;
}

int shell_commands_read(const char *text, struct shell_commands *out)
{
	*out = (struct shell_commands){ .v = NULL };
	return read_text(text, SHELL_COMMANDS_MAIN, 0, out);
}
