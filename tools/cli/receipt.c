/* SPDX-License-Identifier: MIT */
/* receipt: results in words: what a migration cost, errors. */
#include "tools/cli/receipt.h"

#include <math.h>
#include <string.h>

#include "tools/cli/human.h"
#include "tools/cli/text.h"
#include "transport/base/xalloc.h"

/* --- a migration --------------------------------------------------------- */

static bool is_known(double value)
{
	return isfinite(value) && value >= 0;
}

static void put_blackout(struct buf *b, const struct style *s,
			 const struct result *r)
{
	if (!is_known(r->blackout_ms))
		return;
	text_putf(b, s->utf8, "   blackout %s", human_ms(r->blackout_ms).text);
	if (is_known(r->blackout_uncertainty_ms))
		text_putf(b, s->utf8, " ± %s",
			  human_ms(r->blackout_uncertainty_ms).text);
	if (is_known(r->budget_ms))
		text_putf(b, s->utf8, " (budget %.15g)", r->budget_ms);
}

static void put_first_line(struct buf *b, const struct style *s,
			   const struct result *r)
{
	buf_printf(b, "%s", style_paint(s, STYLE_GREEN));
	text_put(b, s->utf8, "✔");
	buf_printf(b, "%s", style_paint(s, STYLE_PLAIN));
	text_putf(b, s->utf8, " %s moved %s → %s", r->guest,
		  r->source ? r->source : "?",
		  r->destination ? r->destination : "?");
	if (is_known(r->total_ms))
		text_putf(b, s->utf8, " in %s", human_ms(r->total_ms).text);
	put_blackout(b, s, r);
	if (r->passes >= 0)
		text_putf(b, s->utf8, "   %lld pass%s", (long long)r->passes,
			  r->passes == 1 ? "" : "es");
	if (r->attempts > 1)
		text_put(b, s->utf8, ", second try");
	buf_append(b, "\n", 1);
}

static void put_sent(struct buf *b, const struct style *s,
		     const struct result *r)
{
	double sent = (double)r->tunnel_bytes;

	if (!is_known(sent))
		return;
	text_putf(b, s->utf8, "   sent %s", human_bytes(sent).text);
	if (r->ram_bytes > 0)
		text_putf(b, s->utf8, " (%.1f × RAM)",
			  sent / (double)r->ram_bytes);
	if (is_known(r->throughput_bps))
		text_putf(b, s->utf8, " at %s",
			  human_rate(r->throughput_bps).text);
}

static void put_forecast(struct buf *b, const struct style *s,
			 const struct result *r)
{
	if (!is_known(r->forecast_total_ms))
		return;
	text_putf(b, s->utf8, "   forecast was %s",
		  human_ms(r->forecast_total_ms).text);
	if (is_known(r->forecast_blackout_ms))
		text_putf(b, s->utf8, ", %s",
			  human_ms(r->forecast_blackout_ms).text);
}

void receipt_migration(struct buf *b, const struct style *s,
		       const struct result *r)
{
	AUTO_BUF struct buf second = { 0 };

	put_first_line(b, s, r);
	put_sent(&second, s, r);
	put_forecast(&second, s, r);
	if (r->transport)
		text_putf(&second, s->utf8, "   over %s", r->transport);
	if (buf_len(&second)) /* each part begins with three blanks */
		buf_printf(b, "  %s\n", buf_data(&second) + 3);
	if (r->transport_why) {
		text_putf(b, s->utf8, "  %s", r->transport_why);
		buf_append(b, "\n", 1);
	}
	if (r->decision) {
		text_putf(b, s->utf8, "  why then: %s", r->decision);
		buf_append(b, "\n", 1);
	}
	if (r->state_storage)
		text_putf(b, s->utf8,
			  "  the journal was kept on %s, which a power cut "
			  "empties\n",
			  r->state_storage);
}

/* --- errors -------------------------------------------------------------- */

/* One line, or several, the later ones indented, for QEMU's stderr. */
static void put_lines(struct buf *b, const struct style *s, const char *head,
		      const char *text)
{
	AUTO_FREE char *copy = xstrdup(text ? text : "");
	char *next = copy, *line;

	buf_printf(b, "%s", head);
	while ((line = strsep(&next, "\n"))) {
		if (!*line && !next)
			break;
		if (line != copy)
			buf_printf(b, "\n          ");
		text_put(b, s->utf8, line);
	}
	buf_append(b, "\n", 1);
}

void receipt_error(struct buf *b, const struct style *s, const struct err *err)
{
	const char *host = err_host_of(err);
	const char *hint = err_hint_of(err);
	AUTO_FREE char *what = NULL;

	/* where it happened, unless the words say so already */
	if (host && err->message && !strstr(err->message, host))
		what = xasprintf("%s, on %s", err->message, host);
	buf_printf(b, "%serror:%s ", style_paint(s, STYLE_RED),
		   style_paint(s, STYLE_PLAIN));
	put_lines(b, s, "", what ? what : err->message);
	for (const struct err *e = err->cause; e; e = e->cause)
		put_lines(b, s, "  because ", e->message);
	if (hint)
		put_lines(b, s, "  next:   ", hint);
}
