/* SPDX-License-Identifier: MIT */
/*
 * tty_view: the voice on a terminal: a few lines that are redrawn in place,
 * and above them what stays.
 *
 *	WARN  guest writes faster than the link      <- stays
 *	web1 → hostb   copying   pass 3   00:14      <- the live block
 *	[################      ]  96 MB left of 4.0 GB
 *	 sent 3.9 GB   link 812 MB/s .:=#   guest writes 120 MB/s ..:.
 *	 blackout if switched now 118 ms (budget 300)
 *
 * The bar shows the best state so far and never runs backwards; what is left
 * beside it is the truth of the moment. A frame is written whole or not at
 * all, so a slow terminal costs frames, never time.
 */
#ifndef TOOLS_CLI_TTY_VIEW_H
#define TOOLS_CLI_TTY_VIEW_H

#include "engine/event/event.h"
#include "tools/cli/outlet.h"
#include "tools/cli/style.h"

enum {
	TTY_VIEW_REDRAW_MS = 100,
	TTY_VIEW_SPARK_MS = 500, /* one column of a sparkline */
	TTY_VIEW_SPARKS = 12,
};

struct sparks {
	double v[TTY_VIEW_SPARKS]; /* newest last */
	int n;
};

/* Zeroed but for `out` and `style` to begin with; tty_view_free(). */
struct tty_view {
	struct outlet *out;
	struct style style;
	int lines; /* of the block on the screen */
	bool drawn;
	struct mono drawn_at, sparked_at;

	/* what is known so far */
	bool started;
	struct mono start;
	char *journey; /* "web1 → hostb", cleaned */
	char *why;     /* of the last decision, cleaned */
	enum phase phase;
	double budget_ms;
	double fixed_ms;	     /* of a switchover, as of the last pass */
	double eta_p50_s, eta_p90_s; /* as of its end, `pass_at` */
	struct mono pass_at;	     /* 0: no pass has ended yet */
	double done;		     /* 0..1, the best so far */
	bool sampled;
	struct event_sample sample; /* without its `status` */
	struct sparks link, dirty;
};

void tty_view_event(struct tty_view *v, const struct event *ev);
/* A line that stays, already cleaned, without its newline. */
void tty_view_line(struct tty_view *v, const char *text);
/* Takes the block off the screen, before others write there. */
void tty_view_clear(struct tty_view *v);
void tty_view_free(struct tty_view *v);

#endif
