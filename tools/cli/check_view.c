/* SPDX-License-Identifier: MIT */
/* check_view: the checks of one destination for people. */
#include "tools/cli/check_view.h"

#include <string.h>

#include "engine/event/check_family.h"
#include "tools/cli/text.h"
#include "transport/base/strv.h"
#include "transport/base/xalloc.h"

enum {
	INDENT = 7,	/* of what follows the verdict */
	PATHS_MAX = 6,	/* that are named of one problem */
	NARROWEST = 30, /* less is not worth breaking lines for */
};

/* --- one line ------------------------------------------------------------- */

/* Breaks @text between words where a terminal would inside of them. */
static void put_wrapped(struct buf *b, const struct style *s, const char *text)
{
	int column = INDENT;

	while (*text) {
		size_t n = strcspn(text, " ");
		AUTO_FREE char *word = xstrndup(text, n);
		int width = text_width(word);

		if (s->columns >= NARROWEST && column > INDENT &&
		    column + 1 + width > s->columns) {
			buf_printf(b, "\n%*s", INDENT, "");
			column = INDENT;
		} else if (column > INDENT) {
			buf_append(b, " ", 1);
			column++;
		}
		buf_append(b, text, n);
		column += width;
		text += n + strspn(text + n, " ");
	}
}

/* The remedy on the same line, or, where that is too wide, on the next. */
static void put_remedy(struct buf *b, const struct style *s, int width,
		       const char *remedy)
{
	AUTO_BUF struct buf fix = { 0 };

	text_putf(&fix, s->utf8, "fix: %s", remedy);
	if (s->columns && width + 4 + text_width(buf_data(&fix)) > s->columns)
		buf_printf(b, "\n%*s", INDENT, "");
	else
		buf_printf(b, "    ");
	buf_printf(b, "%s\n", buf_data(&fix));
}

static void put_line(struct buf *b, const struct style *s,
		     enum check_verdict verdict, const char *text,
		     const char *remedy)
{
	static const struct {
		const char *word, *code;
	} verdicts[CHECK_VERDICTS] = {
		[CHECK_PASS] = { "PASS", STYLE_GREEN },
		[CHECK_WARN] = { "WARN", STYLE_YELLOW },
		[CHECK_FAIL] = { "FAIL", STYLE_RED },
	};
	AUTO_BUF struct buf clean = { 0 };

	text_put(&clean, s->utf8, text);
	buf_printf(b, " %s%s%s  ", style_paint(s, verdicts[verdict].code),
		   verdicts[verdict].word, style_paint(s, STYLE_PLAIN));
	put_wrapped(b, s, buf_data(&clean));
	if (remedy && verdict != CHECK_PASS)
		put_remedy(b, s, INDENT + text_width(buf_data(&clean)), remedy);
	else
		buf_append(b, "\n", 1);
}

void check_view_row(struct buf *b, const struct style *s, const struct check *c)
{
	AUTO_FREE char *text = xasprintf(
		"%s%s%s%s", c->found, c->verdict == CHECK_FAIL ? " [" : "",
		c->verdict == CHECK_FAIL ? c->name : "",
		c->verdict == CHECK_FAIL ? "]" : "");

	put_line(b, s, c->verdict, text, c->remedy);
}

/* --- one problem ---------------------------------------------------------- */

static void push_new(struct strv *list, const char *word)
{
	if (!strv_has(list, word))
		strv_push(list, word);
}

/* "a, b and 3 more" */
static char *some_of(const struct strv *list)
{
	AUTO_STRV struct strv some = { .v = NULL };
	AUTO_FREE char *named = NULL;

	for (size_t i = 0; i < list->n && i < PATHS_MAX; i++)
		strv_push(&some, list->v[i]);
	named = strv_join(&some, ", ");
	if (list->n <= PATHS_MAX)
		return STEAL(named);
	return xasprintf("%s and %zu more", named, list->n - PATHS_MAX);
}

/* What was found, of all findings of the problem that begins with @first. */
static void put_problem(struct buf *b, const struct style *s,
			const struct checks *list, size_t first)
{
	const struct check *c = &list->v[first];
	const char *title = check_family_title(check_family_of(c->name));
	AUTO_STRV struct strv names = { .v = NULL }, paths = { .v = NULL };
	AUTO_FREE char *in = NULL, *what = NULL, *text = NULL;

	for (size_t i = first; i < list->n; i++) {
		if (checks_problem(list, i) != first)
			continue;
		push_new(&names, list->v[i].name);
		if (list->v[i].path)
			push_new(&paths, list->v[i].path);
	}
	in = strv_join(&names, ", ");
	what = some_of(&paths);
	text = c->cause ? xasprintf("%s: %s; needed in it: %s [%s]", title,
				    c->cause, what, in)
			: xasprintf("%s: %s%s%s%s", title, c->found,
				    c->verdict == CHECK_FAIL ? " [" : "",
				    c->verdict == CHECK_FAIL ? in : "",
				    c->verdict == CHECK_FAIL ? "]" : "");
	put_line(b, s, c->verdict, text, checks_remedy(list, first));
}

/* --- all of a destination ------------------------------------------------- */

static bool is_of(const struct check *c, enum check_family f, bool passed)
{
	return check_family_of(c->name) == f &&
	       (c->verdict == CHECK_PASS) == passed;
}

/* "disk (3), access" */
static char *names_of_passed(const struct checks *list, enum check_family f)
{
	AUTO_STRV struct strv names = { .v = NULL }, words = { .v = NULL };

	for (size_t i = 0; i < list->n; i++) {
		if (is_of(&list->v[i], f, true))
			push_new(&names, list->v[i].name);
	}
	for (size_t k = 0; k < names.n; k++) {
		size_t n = 0;

		for (size_t i = 0; i < list->n; i++)
			n += list->v[i].verdict == CHECK_PASS &&
			     !strcmp(list->v[i].name, names.v[k]);
		if (n > 1)
			strv_pushf(&words, "%s (%zu)", names.v[k], n);
		else
			strv_push(&words, names.v[k]);
	}
	return words.n ? strv_join(&words, ", ") : NULL;
}

static void put_passed(struct buf *b, const struct style *s,
		       const struct checks *list, enum check_family f)
{
	AUTO_FREE char *names = names_of_passed(list, f);
	AUTO_FREE char *text = NULL;

	if (!names)
		return;
	text = xasprintf("%s: %s", check_family_title(f), names);
	put_line(b, s, CHECK_PASS, text, NULL);
}

static void put_family(struct buf *b, const struct style *s,
		       const struct checks *list, enum check_family f,
		       enum check_detail detail)
{
	if (detail == CHECK_DETAIL_FAMILIES)
		put_passed(b, s, list, f);
	for (size_t i = 0; i < list->n; i++) {
		bool shown = is_of(&list->v[i], f, false) ||
			     (detail == CHECK_DETAIL_ALL &&
			      is_of(&list->v[i], f, true));

		if (shown && checks_problem(list, i) == i)
			put_problem(b, s, list, i);
	}
}

void check_view_list(struct buf *b, const struct style *s,
		     const struct checks *list, enum check_detail detail)
{
	for (enum check_family f = 0; f < CHECK_FAMILIES; f++)
		put_family(b, s, list, f, detail);
}

static void put_count(struct buf *b, size_t n, const char *what)
{
	buf_printf(b, "%zu %s%s", n, what, n == 1 ? "" : "s");
}

void check_view_counts(struct buf *b, const struct checks *list)
{
	put_count(b, checks_problems(list, CHECK_FAIL), "problem");
	buf_printf(b, ", ");
	put_count(b, checks_problems(list, CHECK_WARN), "warning");
	buf_printf(b, ".");
}

/* --- the head ------------------------------------------------------------- */

static void push_side(struct strv *parts, const char *what, const char *host,
		      const char *qemu)
{
	if (host)
		strv_pushf(parts, "%s %s%s%s", what, host,
			   qemu ? "  QEMU " : "", qemu ? qemu : "");
}

void check_view_head(struct buf *b, const struct style *s,
		     const struct check_head *h)
{
	AUTO_STRV struct strv parts = { .v = NULL };
	AUTO_FREE char *line = NULL;
	bool fits;

	push_side(&parts, "source", h->source, h->source_qemu);
	push_side(&parts, "destination", h->destination, h->destination_qemu);
	if (h->login)
		strv_pushf(&parts, "login by %s", h->login);
	line = strv_join(&parts, "    ");
	fits = !s->columns || text_width(line) <= s->columns;
	for (size_t i = 0; i < parts.n; i++) {
		text_put(b, s->utf8, parts.v[i]);
		buf_printf(b, fits && i + 1 < parts.n ? "    " : "\n");
	}
	if (!h->link)
		return;
	text_put(b, s->utf8, h->link);
	buf_append(b, "\n", 1);
}
