/* SPDX-License-Identifier: MIT */
/*
 * ui: turns the one stream of events into what people and programs see.
 *
 * Three voices: a live block on a terminal, plain timestamped lines elsewhere,
 * JSON lines for --events. All narration goes to stderr.
 */
#ifndef TOOLS_CLI_UI_H
#define TOOLS_CLI_UI_H

#include <stdbool.h>
#include <stdio.h>

#include "engine/event.h"
#include "tools/cli/settings.h"
#include "transport/base/err.h"

enum ui_voice { UI_SILENT, UI_PLAIN, UI_TTY };

struct ui {
	enum ui_voice voice;
	bool color, utf8;
	int verbose;
	FILE *out;    /* the narration */
	FILE *events; /* NULL: none */
	bool events_failed;
	/* the live block */
	int drawn_lines;
	char guest[80], route[160];
	double budget_ms;
	double blackout_ms; /* predicted, of the last pass */
	char note[320];     /* the last decision or warning */
	struct mono drawn_at, sample_at;
};

/*
 * @out: stderr, or a test's file; a terminal is asked for its size and colour
 * only when @tty. Opens --events: ERR_USAGE with the reason.
 */
int ui_open(struct ui *ui, const struct settings *s, FILE *out, bool tty,
	    struct err *err);
/* An event_sink; @arg is the struct ui. */
void ui_event(void *arg, const struct event *ev);
/* Wipes the live block, so that something else can be printed. */
void ui_clear(struct ui *ui);
/* 0, or -1 when not all events could be written. */
int ui_close(struct ui *ui, struct err *err);

/* "1.4 GB", "96.0 MB", powers of 1000; into @text. */
const char *ui_bytes(char *text, size_t size, double bytes);

/* The receipt of a migration on @out. */
void ui_receipt(const struct ui *ui, const struct result *r, FILE *out);
/* One check as a line on @out. */
void ui_check(const struct ui *ui, const struct check *c, FILE *out);

#endif
