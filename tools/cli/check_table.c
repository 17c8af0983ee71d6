/* SPDX-License-Identifier: MIT */
/* check_table: the checks of several destinations side by side. */
#include "tools/cli/check_table.h"

#include <stdlib.h>
#include <string.h>

#include "engine/event/check_family.h"
#include "tools/cli/receipt.h"
#include "tools/cli/text.h"
#include "transport/base/strv.h"
#include "transport/base/xalloc.h"

enum { GAP = 3 }; /* between two columns */

static const struct {
	const char *word, *code;
} verdicts[CHECK_VERDICTS] = {
	[CHECK_PASS] = { "PASS", STYLE_GREEN },
	[CHECK_WARN] = { "WARN", STYLE_YELLOW },
	[CHECK_FAIL] = { "FAIL", STYLE_RED },
};

/* --- cells ---------------------------------------------------------------- */

/* Rows of words; the first of each is its title. */
struct grid {
	struct strv cells;
	struct strv codes; /* the colour of each, "": none */
	size_t columns;
};

static void put(struct grid *g, const struct style *s, const char *word,
		const char *code)
{
	AUTO_BUF struct buf clean = { 0 };

	text_put(&clean, s->utf8, word);
	strv_push(&g->cells, buf_data(&clean));
	strv_push(&g->codes, code);
}

/* The worst of a family: CHECK_VERDICTS: it has none. */
static enum check_verdict worst_of(const struct checks *list,
				   enum check_family f)
{
	enum check_verdict worst = CHECK_VERDICTS;

	for (size_t i = 0; i < list->n; i++) {
		enum check_verdict v = list->v[i].verdict;

		if (check_family_of(list->v[i].name) == f &&
		    (worst == CHECK_VERDICTS || v > worst))
			worst = v;
	}
	return worst;
}

static size_t count_of(const struct checks *list, enum check_verdict v)
{
	return v == CHECK_PASS ? checks_count(list, v)
			       : checks_problems(list, v);
}

/* "yes", "no", or why it is not known. */
static const char *answer_of(const struct check_report *rep)
{
	if (check_report_is_ready(rep))
		return "yes";
	return rep->result.outcome == OUTCOME_REFUSED
		       ? "no"
		       : outcome_name(rep->result.outcome);
}

static void put_words(struct grid *g, const struct style *s, const char *title,
		      const struct check_report *v, size_t n,
		      const char *(*word)(const struct check_report *rep))
{
	put(g, s, title, "");
	for (size_t i = 0; i < n; i++) {
		const char *w = word(&v[i]);

		put(g, s, w ? w : "-", "");
	}
}

static const char *host_of(const struct check_report *rep)
{
	return rep->host;
}

static const char *qemu_of(const struct check_report *rep)
{
	return rep->destination_qemu;
}

static const char *login_of(const struct check_report *rep)
{
	return rep->login;
}

static void put_family(struct grid *g, const struct style *s,
		       enum check_family f, const struct check_report *v,
		       size_t n)
{
	bool any = false;

	for (size_t i = 0; i < n; i++)
		any = any || worst_of(&v[i].list, f) != CHECK_VERDICTS;
	if (!any)
		return;
	put(g, s, check_family_title(f), "");
	for (size_t i = 0; i < n; i++) {
		enum check_verdict worst = worst_of(&v[i].list, f);
		bool known = worst != CHECK_VERDICTS;

		put(g, s, known ? verdicts[worst].word : "-",
		    known ? verdicts[worst].code : "");
	}
}

static void put_counts(struct grid *g, const struct style *s,
		       const struct check_report *v, size_t n)
{
	for (enum check_verdict k = 0; k < CHECK_VERDICTS; k++) {
		put(g, s, verdicts[k].word, "");
		for (size_t i = 0; i < n; i++) {
			AUTO_FREE char *count =
				v[i].list.n ? xasprintf("%zu",
							count_of(&v[i].list, k))
					    : xstrdup("-");

			put(g, s, count, "");
		}
	}
}

static void fill(struct grid *g, const struct style *s,
		 const struct check_report *v, size_t n)
{
	g->columns = n + 1;
	put_words(g, s, "", v, n, host_of);
	put_words(g, s, "QEMU", v, n, qemu_of);
	put_words(g, s, "login by", v, n, login_of);
	for (enum check_family f = 0; f < CHECK_FAMILIES; f++)
		put_family(g, s, f, v, n);
	put_counts(g, s, v, n);
	put_words(g, s, "could go there", v, n, answer_of);
}

/* --- the table ------------------------------------------------------------ */

static int width_of(const struct grid *g, size_t column)
{
	int width = 0;

	for (size_t i = column; i < g->cells.n; i += g->columns) {
		int w = text_width(g->cells.v[i]);

		width = w > width ? w : width;
	}
	return width;
}

static int whole_width(const struct grid *g)
{
	int width = 0;

	for (size_t c = 0; c < g->columns; c++)
		width += width_of(g, c) + (c ? GAP : 0);
	return width;
}

static void put_grid(struct buf *b, const struct style *s, const struct grid *g)
{
	for (size_t i = 0; i < g->cells.n; i++) {
		const char *cell = g->cells.v[i], *code = g->codes.v[i];
		size_t column = i % g->columns;
		bool last = column + 1 == g->columns;

		if (*code)
			buf_printf(b, "%s%s%s", style_paint(s, code), cell,
				   style_paint(s, STYLE_PLAIN));
		else
			buf_printf(b, "%s", cell);
		if (last)
			buf_append(b, "\n", 1);
		else
			buf_printf(b, "%*s",
				   width_of(g, column) - text_width(cell) + GAP,
				   "");
	}
}

/* "hostb: no, 12 PASS, 1 WARN, 2 FAIL" */
static void put_host_line(struct buf *b, const struct style *s,
			  const struct check_report *rep)
{
	text_putf(b, s->utf8, "%s: %s", rep->host, answer_of(rep));
	for (enum check_verdict k = 0; rep->list.n && k < CHECK_VERDICTS; k++)
		buf_printf(b, ", %zu %s%s%s", count_of(&rep->list, k),
			   style_paint(s, verdicts[k].code), verdicts[k].word,
			   style_paint(s, STYLE_PLAIN));
	buf_append(b, "\n", 1);
}

void check_table_put(struct buf *b, const struct style *s,
		     const struct check_report *v, size_t n)
{
	struct grid g = { .columns = 0 };

	fill(&g, s, v, n);
	if (!s->columns || whole_width(&g) <= s->columns)
		put_grid(b, s, &g);
	else
		for (size_t i = 0; i < n; i++)
			put_host_line(b, s, &v[i]);
	strv_free(&g.cells);
	strv_free(&g.codes);
}

/* --- why ------------------------------------------------------------------ */

static bool has(const struct checks *list, const struct check *c)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct check *o = &list->v[i];

		if (o->verdict == c->verdict && !strcmp(o->name, c->name) &&
		    !strcmp(o->found, c->found))
			return true;
	}
	return false;
}

/* Of all hosts that were checked, when there are two of them. */
static bool is_common(const struct check *c, const struct check_report *v,
		      size_t n)
{
	size_t checked = 0;

	for (size_t i = 0; i < n; i++) {
		if (!v[i].list.n)
			continue;
		if (!has(&v[i].list, c))
			return false;
		checked++;
	}
	return checked > 1;
}

/* Borrows all strings of @from. */
static struct checks choose(const struct checks *from, bool common,
			    const struct check_report *v, size_t n)
{
	struct checks list = {
		.v = xcalloc(from->n, sizeof(*list.v)),
	};

	for (size_t i = 0; i < from->n; i++) {
		if (is_common(&from->v[i], v, n) == common)
			list.v[list.n++] = from->v[i];
	}
	return list;
}

static void put_some(struct buf *b, const struct style *s, const char *title,
		     const struct checks *list, enum check_detail detail)
{
	AUTO_BUF struct buf lines = { 0 };

	check_view_list(&lines, s, list, detail);
	if (!buf_len(&lines))
		return;
	buf_append(b, "\n", 1);
	text_putf(b, s->utf8, "%s:", title);
	buf_printf(b, "\n%s", buf_data(&lines));
}

static void put_error(struct buf *b, const struct style *s,
		      const struct check_report *rep)
{
	if (rep->result.error.kind == ERR_NONE ||
	    checks_count(&rep->list, CHECK_FAIL))
		return;
	buf_append(b, "\n", 1);
	text_putf(b, s->utf8, "%s:", rep->host);
	buf_append(b, "\n", 1);
	receipt_error(b, s, &rep->result.error);
}

void check_table_reasons(struct buf *b, const struct style *s,
			 const struct check_report *v, size_t n,
			 enum check_detail detail)
{
	if (detail == CHECK_DETAIL_FAMILIES)
		detail = CHECK_DETAIL_PROBLEMS;
	for (size_t i = 0; i < n; i++) {
		struct checks common = choose(&v[i].list, true, v, n);

		if (common.n) {
			put_some(b, s, "all that were checked", &common,
				 detail);
			i = n;
		}
		free(common.v);
	}
	for (size_t i = 0; i < n; i++) {
		struct checks own = choose(&v[i].list, false, v, n);

		put_some(b, s, v[i].host, &own, detail);
		put_error(b, s, &v[i]);
		free(own.v);
	}
}

void check_table_verdict(struct buf *b, const struct style *s,
			 const struct check_report *v, size_t n)
{
	AUTO_STRV struct strv ready = { .v = NULL }, unknown = { .v = NULL };
	AUTO_FREE char *to = NULL, *open = NULL;

	for (size_t i = 0; i < n; i++) {
		if (check_report_is_ready(&v[i]))
			strv_push(&ready, v[i].host);
		else if (v[i].result.outcome != OUTCOME_REFUSED)
			strv_push(&unknown, v[i].host);
	}
	to = ready.n ? strv_join(&ready, ", ") : xstrdup("none of them");
	open = strv_join(&unknown, ", ");
	text_putf(b, s->utf8, "%s could go to %s%s%s.", v[0].result.guest, to,
		  unknown.n ? "; it is not known of " : "", open);
}
