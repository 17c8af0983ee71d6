/* SPDX-License-Identifier: MIT */
/*
 * ui: turns the one stream of events into what people and programs see.
 *
 * Three voices: a live block on a terminal, plain timestamped lines elsewhere,
 * JSON lines for --events. Narration goes to stderr, and never holds up the
 * loop.
 */
#ifndef TOOLS_CLI_UI_H
#define TOOLS_CLI_UI_H

#include <stdbool.h>

#include "engine/event/event.h"
#include "tools/cli/outlet.h"
#include "tools/cli/plain_view.h"
#include "tools/cli/settings.h"
#include "tools/cli/style.h"
#include "tools/cli/tty_view.h"
#include "transport/base/err.h"
#include "transport/base/log.h"

enum ui_voice { UI_SILENT, UI_PLAIN, UI_TTY };

struct ui {
	enum ui_voice voice;
	bool quiet;
	int verbose;
	int fd; /* the narration's */
	struct style style;
	struct outlet talk;
	struct tty_view tty;
	struct plain_view plain;
	bool has_events;
	int events_fd; /* opened by us, or -1 */
	struct outlet events;
	/* how far a migration is, for the words at Ctrl-C */
	bool migrating;
	enum phase phase;
};

/*
 * @fd: where narration goes, stderr. Opens --events: ERR_USAGE with the reason.
 */
int ui_open(struct ui *ui, const struct settings *s, int fd, struct err *err);
/* An event_sink; @arg is the struct ui. */
void ui_event(void *arg, const struct event *ev);
/* A log_sink; @arg is the struct ui. From any thread. */
void ui_log(void *arg, enum log_level level, const char *side,
	    const char *text);
/* One sentence of narration. */
void ui_note(struct ui *ui, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Says what a cancel does at this point. */
void ui_cancelling(struct ui *ui);
/*
 * Wipes the live block and waits a moment until all narration is out, so that
 * something else can be printed.
 */
void ui_clear(struct ui *ui);
/* 0, or -1 when not all events could be written. */
int ui_close(struct ui *ui, struct err *err);

/* How @fd wants its text, as the settings and the environment say. */
struct style ui_style(const struct settings *s, int fd);

#endif
