/* SPDX-License-Identifier: MIT */
/* ui: hands each event to the voices that want it. */
#include "tools/cli/ui.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "qmp/json.h"
#include "tools/cli/text.h"
#include "transport/base/xalloc.h"

enum {
	TALK_LIMIT = 1024 * 1024,	 /* kept for a slow stderr */
	EVENTS_LIMIT = 16 * 1024 * 1024, /* kept for a slow reader */
	TALK_WAIT_MS = 1000,
	EVENTS_WAIT_MS = 10000,
	DEFAULT_COLUMNS = 80,
};

/* --- style --------------------------------------------------------------- */

static bool is_dumb(void)
{
	const char *term = getenv("TERM");

	return !term || !*term || !strcmp(term, "dumb");
}

static bool wants_color(const struct settings *s, bool tty)
{
	const char *no_color = getenv("NO_COLOR");

	if (s->color != COLOR_AUTO)
		return s->color == COLOR_ALWAYS;
	return tty && !is_dumb() && !(no_color && *no_color);
}

static int columns_of(int fd)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return DEFAULT_COLUMNS;
}

struct style ui_style(const struct settings *s, int fd)
{
	bool tty = isatty(fd) == 1;

	return (struct style){
		.utf8 = text_locale_is_utf8(),
		.color = wants_color(s, tty),
		.columns = tty ? columns_of(fd) : 0,
	};
}

/* --- opening and closing ------------------------------------------------- */

static int open_events(struct ui *ui, const char *where, struct err *err)
{
	int fd;

	if (!where)
		return 0;
	if (!strncmp(where, "fd:", 3)) {
		fd = (int)strtol(where + 3, NULL, 10);
		if (fcntl(fd, F_GETFD) < 0)
			fd = -1;
	} else {
		fd = open(where, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			  0600);
		ui->events_fd = fd;
	}
	if (fd < 0) {
		err_sys(err, errno, "cannot write events to %s", where);
		err->kind = ERR_USAGE;
		return -1;
	}
	outlet_open(&ui->events, fd, EVENTS_LIMIT);
	ui->has_events = true;
	return 0;
}

int ui_open(struct ui *ui, const struct settings *s, int fd, struct err *err)
{
	*ui = (struct ui){
		.quiet = s->quiet,
		.verbose = s->verbose,
		.fd = fd,
		.style = ui_style(s, fd),
		.events_fd = -1,
	};
	if (open_events(ui, s->events, err) < 0)
		return -1;
	/* log lines would tear a live block */
	ui->voice = ui->style.columns && !is_dumb() && !s->verbose ? UI_TTY
								   : UI_PLAIN;
	outlet_open(&ui->talk, fd, TALK_LIMIT);
	ui->tty.out = &ui->talk;
	ui->tty.style = ui->style;
	ui->plain.out = &ui->talk;
	ui->plain.utf8 = ui->style.utf8;
	ui->plain.verbose = s->verbose;
	return 0;
}

void ui_clear(struct ui *ui)
{
	tty_view_clear(&ui->tty);
	(void)outlet_drain(&ui->talk, TALK_WAIT_MS);
	/* they may go to where the result is printed */
	if (ui->has_events)
		(void)outlet_drain(&ui->events, TALK_WAIT_MS);
}

static int close_events(struct ui *ui, struct err *err)
{
	ui->has_events = false;
	if (outlet_close(&ui->events, EVENTS_WAIT_MS) == 0)
		return 0;
	if (ui->events.failed)
		return err_sys(err, ui->events.failed,
			       "not all events could be written");
	return err_set(err, ERR_SYSTEM,
		       "not all events could be written: nobody reads them");
}

int ui_close(struct ui *ui, struct err *err)
{
	int rc = ui->has_events ? close_events(ui, err) : 0;

	ui_clear(ui);
	(void)outlet_close(&ui->talk, TALK_WAIT_MS);
	tty_view_free(&ui->tty);
	close_fd(ui->events_fd);
	ui->events_fd = -1;
	return rc;
}

/* --- sentences ----------------------------------------------------------- */

static void say(struct ui *ui, const char *text)
{
	AUTO_BUF struct buf b = { 0 };

	if (ui->voice == UI_PLAIN) {
		plain_view_note(&ui->plain, wall_now(), text);
		return;
	}
	text_put(&b, ui->style.utf8, text);
	if (ui->voice == UI_TTY) {
		tty_view_line(&ui->tty, buf_data(&b));
		return;
	}
	buf_append(&b, "\n", 1);
	outlet_put(&ui->talk, buf_data(&b), buf_len(&b));
}

void ui_note(struct ui *ui, const char *fmt, ...)
{
	AUTO_FREE char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	say(ui, text);
}

/* Straight to the outlet: another thread may be drawing the block. */
void ui_log(void *arg, enum log_level level, const char *side, const char *text)
{
	struct ui *ui = arg;
	AUTO_BUF struct buf b = { 0 };

	if (ui->verbose < (level == LOG_DEBUG ? 2 : 1))
		return;
	text_putf(&b, ui->style.utf8, "%s%s%s", side ? side : "",
		  side ? ": " : "", text);
	buf_append(&b, "\n", 1);
	outlet_put(&ui->talk, buf_data(&b), buf_len(&b));
}

void ui_cancelling(struct ui *ui)
{
	if (ui->migrating &&
	    (ui->phase == PHASE_SWITCHOVER || ui->phase == PHASE_FINISH))
		ui_note(ui, "cancel: the switchover has begun and comes to "
			    "its end first; the last line says where the "
			    "guest runs. Ctrl-C again exits at once.");
	else if (ui->migrating)
		ui_note(ui, "cancelling: everything is undone, the guest stays "
			    "where it is. Ctrl-C again exits at once.");
	else
		ui_note(ui, "cancelling. Ctrl-C again exits at once.");
}

/* --- events -------------------------------------------------------------- */

static void write_event(struct ui *ui, const struct event *ev)
{
	AUTO_FREE char *line = event_line(ev);
	AUTO_FREE char *ended = xasprintf("%s\n", line);

	outlet_put(&ui->events, ended, strlen(ended));
}

static void remember(struct ui *ui, const struct event *ev)
{
	if (ev->kind == EVENT_RUN_START)
		ui->migrating = true;
	else if (ev->kind == EVENT_PHASE)
		ui->phase = ev->phase.to;
	else if (ev->kind == EVENT_RESULT)
		ui->migrating = false;
}

void ui_event(void *arg, const struct event *ev)
{
	struct ui *ui = arg;

	if (ui->has_events)
		write_event(ui, ev);
	remember(ui, ev);
	if (ui->voice == UI_SILENT)
		return;
	if (ui->quiet) {
		if (ev->kind == EVENT_WARNING)
			ui_note(ui, "warning: %s", ev->warning.text);
	} else if (ui->voice == UI_PLAIN) {
		plain_view_event(&ui->plain, ev);
	} else {
		if (ev->kind == EVENT_PHASE)
			ui->tty.style.columns = columns_of(ui->fd);
		tty_view_event(&ui->tty, ev);
	}
}
