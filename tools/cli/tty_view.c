/* SPDX-License-Identifier: MIT */
/* tty_view: the voice on a terminal. */
#include "tools/cli/tty_view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/cli/human.h"
#include "tools/cli/check_view.h"
#include "tools/cli/text.h"
#include "transport/base/xalloc.h"

enum { BAR_COLUMNS = 40, SPARK_LEVELS = 8 };

/* --- parts --------------------------------------------------------------- */

static void push_spark(struct sparks *s, double value)
{
	if (s->n == TTY_VIEW_SPARKS)
		memmove(s->v, s->v + 1, sizeof(s->v) - sizeof(s->v[0]));
	else
		s->n++;
	s->v[s->n - 1] = isfinite(value) && value > 0 ? value : 0;
}

/* Heights against the highest of those shown. */
static void put_sparks(struct buf *b, bool utf8, const struct sparks *s)
{
	static const char *const blocks[SPARK_LEVELS] = {
		"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█",
	};
	static const char ascii[SPARK_LEVELS + 1] = "_.-:=+*#";
	double top = 0;

	for (int i = 0; i < s->n; i++)
		top = fmax(top, s->v[i]);
	for (int i = 0; i < s->n && top > 0; i++) {
		int level = (int)(s->v[i] / top * (SPARK_LEVELS - 1) + 0.5);

		if (utf8)
			buf_printf(b, "%s", blocks[level]);
		else
			buf_append(b, &ascii[level], 1);
	}
}

static void put_bar(struct buf *b, bool utf8, double done)
{
	int full = (int)(done * BAR_COLUMNS);

	buf_append(b, "[", 1);
	for (int i = 0; i < BAR_COLUMNS; i++)
		buf_printf(b, "%s", i >= full ? " " : utf8 ? "█" : "#");
	buf_append(b, "]", 1);
}

static double blackout_now_ms(const struct tty_view *v)
{
	const struct event_sample *s = &v->sample;

	if (!(s->bandwidth_bps > 0) || s->remaining_bytes < 0)
		return NAN;
	return (double)s->remaining_bytes / s->bandwidth_bps * 1e3 +
	       v->fixed_ms;
}

/* --- the block ----------------------------------------------------------- */

static const char *doing(enum phase phase)
{
	static const char *const words[PHASES] = {
		[PHASE_CONNECT] = "connecting",
		[PHASE_DISCOVER] = "looking at the guest",
		[PHASE_PREFLIGHT] = "checking",
		[PHASE_LAUNCH] = "starting QEMU over there",
		[PHASE_STORAGE] = "looking after the disks",
		[PHASE_TUNNEL] = "opening the tunnel",
		[PHASE_PRECOPY] = "copying",
		[PHASE_SWITCHOVER] = "switching over",
		[PHASE_FINISH] = "finishing",
		[PHASE_ROLLBACK] = "undoing everything",
	};

	return words[phase];
}

/* Closes a line of the block: cut to the screen, coloured as a whole. */
static void end_line(struct tty_view *v, struct buf *b, size_t start,
		     const char *code, int *lines)
{
	AUTO_FREE char *line = NULL;

	if (v->style.columns > 1)
		text_fit(b, start, v->style.columns - 1);
	line = xstrdup(buf_data(b) + start);
	text_fit(b, start, 0);
	buf_printf(b, "%s%s%s\n", code, line, *code ? STYLE_PLAIN : "");
	++*lines;
}

static void put_head(struct tty_view *v, struct buf *b, struct mono now,
		     int *lines)
{
	size_t start = buf_len(b);

	buf_printf(b, "%s   %s", v->journey ? v->journey : "", doing(v->phase));
	if (v->sampled && v->sample.pass >= 0)
		buf_printf(b, "   pass %lld", (long long)v->sample.pass);
	buf_printf(b, "   %s", human_clock(mono_diff_ms(now, v->start)).text);
	end_line(v, b, start, style_paint(&v->style, STYLE_BOLD), lines);
}

static void put_left(struct tty_view *v, struct buf *b, int *lines)
{
	size_t start = buf_len(b);

	put_bar(b, v->style.utf8, v->done);
	buf_printf(b, "  %s left of %s",
		   human_bytes((double)v->sample.remaining_bytes).text,
		   human_bytes((double)v->sample.total_bytes).text);
	end_line(v, b, start, "", lines);
}

static void put_rates(struct tty_view *v, struct buf *b, int *lines)
{
	size_t start = buf_len(b);

	buf_printf(b, " sent %s   link %s ",
		   human_bytes((double)v->sample.tunnel_bytes).text,
		   human_rate(v->sample.bandwidth_bps).text);
	put_sparks(b, v->style.utf8, &v->link);
	if (v->sample.pass > 1) { /* the first pass says nothing about it */
		buf_printf(b, "   guest writes %s ",
			   human_rate(v->sample.dirty_bps).text);
		put_sparks(b, v->style.utf8, &v->dirty);
	}
	end_line(v, b, start, "", lines);
}

static void put_blackout(struct tty_view *v, struct buf *b, int *lines)
{
	size_t start = buf_len(b);
	double ms = blackout_now_ms(v);
	bool fits = ms <= v->budget_ms;

	buf_printf(b, " blackout if switched now %s (budget %.15g)",
		   human_ms(ms).text, v->budget_ms);
	if (v->sample.throttle_percent > 1) /* at 1 % it is only armed */
		buf_printf(b, "   throttle %d %%", v->sample.throttle_percent);
	end_line(v, b, start,
		 style_paint(&v->style, fits ? STYLE_GREEN : STYLE_YELLOW),
		 lines);
}

/* When, as of the last pass; less what has gone by since then. */
static void put_forecast(struct tty_view *v, struct buf *b, struct mono now,
			 int *lines)
{
	double since_s = mono_diff_ms(now, v->pass_at) / 1e3;
	size_t start = buf_len(b);

	if (!v->why)
		return;
	if (v->pass_at.us && isnan(v->eta_p50_s))
		buf_printf(b, " never at this rate  ");
	else if (v->pass_at.us)
		buf_printf(b, " about %.0f to %.0f s to go  ",
			   fmax(v->eta_p50_s - since_s, 0),
			   fmax(v->eta_p90_s - since_s, 1));
	buf_printf(b, " %s", v->why);
	end_line(v, b, start, "", lines);
}

static void put_block(struct tty_view *v, struct buf *b, struct mono now,
		      int *lines)
{
	put_head(v, b, now, lines);
	if (v->phase != PHASE_PRECOPY || !v->sampled)
		return;
	put_left(v, b, lines);
	put_rates(v, b, lines);
	put_blackout(v, b, lines);
	put_forecast(v, b, now, lines);
}

/* --- frames -------------------------------------------------------------- */

static void put_erase(const struct tty_view *v, struct buf *b)
{
	if (v->lines)
		buf_printf(b, "\r\033[%dA\033[J", v->lines);
	else
		buf_printf(b, "\r");
}

/* Replaces the block by @stays (may be NULL) and a new block. */
static void draw(struct tty_view *v, const char *stays, bool block,
		 struct mono now)
{
	AUTO_BUF struct buf b = { 0 };
	int lines = 0;

	put_erase(v, &b);
	if (stays)
		buf_printf(&b, "%s\n", stays);
	if (block)
		put_block(v, &b, now, &lines);
	if (!outlet_put(v->out, buf_data(&b), buf_len(&b)))
		return;
	v->lines = lines;
	v->drawn = block;
	v->drawn_at = now;
}

/* Only what is new to the eye, and only when the terminal keeps up. */
static void redraw(struct tty_view *v, struct mono now)
{
	if (v->drawn && mono_diff_ms(now, v->drawn_at) < TTY_VIEW_REDRAW_MS)
		return;
	if (!outlet_is_behind(v->out))
		draw(v, NULL, true, now);
}

void tty_view_clear(struct tty_view *v)
{
	if (v->lines)
		draw(v, NULL, false, v->drawn_at);
	v->drawn = false;
}

void tty_view_line(struct tty_view *v, const char *text)
{
	draw(v, text, v->started && v->drawn, v->drawn_at);
}

void tty_view_free(struct tty_view *v)
{
	free(v->journey);
	free(v->why);
	v->journey = v->why = NULL;
}

/* --- events -------------------------------------------------------------- */

static char *cleaned(const struct tty_view *v, const char *s)
{
	struct buf b = { 0 };

	text_put(&b, v->style.utf8, s ? s : "?");
	return buf_steal(&b);
}

static void take_start(struct tty_view *v, const struct event *ev)
{
	const struct event_run_start *s = &ev->run_start;
	bool here = !s->source || !strcmp(s->source, "local");
	AUTO_FREE char *journey =
		here ? xasprintf("%s → %s", s->guest, s->destination)
		     : xasprintf("%s  %s → %s", s->guest, s->source,
				 s->destination);

	v->started = true;
	v->start = ev->mono;
	v->budget_ms = s->max_blackout_ms;
	free(v->journey);
	v->journey = cleaned(v, journey);
}

/* A second try begins with all of memory again. */
static void begin_copy(struct tty_view *v)
{
	v->done = 0;
	v->sampled = false;
	v->pass_at = (struct mono){ 0 };
}

static void take_sample(struct tty_view *v, const struct event *ev)
{
	const struct event_sample *s = &ev->sample;
	double total = (double)s->total_bytes;

	v->sampled = true;
	v->sample = *s;
	v->sample.status = NULL;
	/* before the first pass QEMU has not counted what is left */
	if (total > 0 && s->remaining_bytes >= 0 && s->pass > 0)
		v->done = fmin(1, fmax(v->done,
				       1 - (double)s->remaining_bytes / total));
	if (v->link.n &&
	    mono_diff_ms(ev->mono, v->sparked_at) < TTY_VIEW_SPARK_MS)
		return;
	v->sparked_at = ev->mono;
	push_spark(&v->link, s->bandwidth_bps);
	if (s->pass > 1)
		push_spark(&v->dirty, s->dirty_bps);
}

static void take_decision(struct tty_view *v, const char *why)
{
	free(v->why);
	v->why = cleaned(v, why);
}

/* What a switchover costs besides the bytes: prediction less their time. */
static void take_pass(struct tty_view *v, const struct event_pass *p)
{
	double bytes_ms = (double)p->remaining_bytes / p->bandwidth_bps * 1e3;
	double fixed = p->predicted_blackout_ms - bytes_ms;

	if (isfinite(fixed))
		v->fixed_ms = fmax(0, fixed);
	if (p->why)
		take_decision(v, p->why);
	v->eta_p50_s = p->eta_p50_s;
	v->eta_p90_s = p->eta_p90_s;
	v->pass_at = mono_now();
}

static void show_check(struct tty_view *v, const struct check *c)
{
	AUTO_BUF struct buf b = { 0 };
	AUTO_FREE char *line = NULL;

	if (c->verdict == CHECK_PASS)
		return;
	check_view_row(&b, &v->style, c);
	line = xstrndup(buf_data(&b), buf_len(&b) - 1); /* less its newline */
	tty_view_line(v, line);
}

static void show_warning(struct tty_view *v, const struct event *ev)
{
	AUTO_BUF struct buf b = { 0 };

	buf_printf(&b, "%swarning:%s ", style_paint(&v->style, STYLE_YELLOW),
		   style_paint(&v->style, STYLE_PLAIN));
	text_put(&b, v->style.utf8, ev->warning.text);
	tty_view_line(v, buf_data(&b));
}

void tty_view_event(struct tty_view *v, const struct event *ev)
{
	switch (ev->kind) {
	case EVENT_RUN_START:
		take_start(v, ev);
		break;
	case EVENT_CHECK:
		show_check(v, ev->check);
		return;
	case EVENT_PHASE:
		if (ev->phase.to == PHASE_LAUNCH)
			begin_copy(v);
		v->phase = ev->phase.to;
		v->drawn = false; /* a new phase shows at once */
		break;
	case EVENT_SAMPLE:
		take_sample(v, ev);
		break;
	case EVENT_PASS:
		take_pass(v, &ev->pass);
		break;
	case EVENT_DECISION:
		take_decision(v, ev->decision.why);
		break;
	case EVENT_WARNING:
		show_warning(v, ev);
		return;
	case EVENT_RESULT:
		tty_view_clear(v);
		return;
	default:
		break;
	}
	redraw(v, ev->mono);
}
