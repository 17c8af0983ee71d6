/* SPDX-License-Identifier: MIT */
/* ui: the three voices; what each says is a small function an event kind. */
#include "tools/cli/ui.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "qmp/json.h"
#include "transport/base/xalloc.h"

enum {
	REDRAW_MS = 200,
	PLAIN_SAMPLE_MS = 10000, /* one line of progress at most */
};

/* --- opening -------------------------------------------------------------- */

static int open_events(struct ui *ui, const char *where, struct err *err)
{
	int fd;

	if (!where)
		return 0;
	if (!strncmp(where, "fd:", 3))
		fd = fcntl((int)strtol(where + 3, NULL, 10), F_DUPFD_CLOEXEC,
			   3);
	else
		fd = open(where, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			  0600);
	ui->events = fd < 0 ? NULL : fdopen(fd, "w");
	if (ui->events)
		return 0;
	err_sys(err, errno, "cannot write events to %s", where);
	err->kind = ERR_USAGE;
	return -1;
}

static bool wants_color(const struct settings *s, bool tty)
{
	const char *term = getenv("TERM");

	if (s->color != COLOR_AUTO)
		return s->color == COLOR_ALWAYS;
	return tty && !getenv("NO_COLOR") && term && strcmp(term, "dumb") != 0;
}

int ui_open(struct ui *ui, const struct settings *s, FILE *out, bool tty,
	    struct err *err)
{
	const char *term = getenv("TERM");
	bool dumb = !term || !strcmp(term, "dumb");

	*ui = (struct ui){
		.voice = tty && !dumb ? UI_TTY : UI_PLAIN,
		.color = wants_color(s, tty),
		.utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8"),
		.verbose = s->verbose,
		.out = out,
		.blackout_ms = NAN,
	};
	if (s->quiet)
		ui->voice = UI_SILENT;
	else if (s->verbose && ui->voice == UI_TTY)
		/* log lines would tear a live block */
		ui->voice = UI_PLAIN;
	return open_events(ui, s->events, err);
}

int ui_close(struct ui *ui, struct err *err)
{
	bool failed = ui->events_failed;

	ui_clear(ui);
	if (ui->events && fclose(ui->events) != 0)
		failed = true;
	ui->events = NULL;
	if (failed)
		return err_set(err, ERR_SYSTEM,
			       "not all events could be written");
	return 0;
}

/* --- helpers -------------------------------------------------------------- */

const char *ui_bytes(char *text, size_t size, double bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	size_t u = 0;

	if (isnan(bytes) || bytes < 0) {
		snprintf(text, size, "?");
		return text;
	}
	while (bytes >= 999.5 && u + 1 < ARRAY_SIZE(units)) {
		bytes /= 1000;
		u++;
	}
	snprintf(text, size, u && bytes < 99.95 ? "%.1f %s" : "%.0f %s", bytes,
		 units[u]);
	return text;
}

static const char *paint(const struct ui *ui, const char *code)
{
	return ui->color ? code : "";
}
#define RED "\033[31m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define BOLD "\033[1m"
#define PLAIN "\033[0m"

/* --- JSON lines ----------------------------------------------------------- */

static void voice_json(struct ui *ui, const struct event *ev)
{
	AUTO_JSON struct json_object *o = event_to_json(ev);
	AUTO_FREE char *line = json_line(o);

	if (fprintf(ui->events, "%s\n", line) < 0 || fflush(ui->events) != 0)
		ui->events_failed = true;
}

/* --- plain lines: time, event, key=value ---------------------------------- */

static void plain_begin(const struct ui *ui, const struct event *ev)
{
	time_t seconds = (time_t)(ev->t.us / 1000000);
	struct tm tm;
	char stamp[32];

	gmtime_r(&seconds, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	fprintf(ui->out, "%s.%03dZ %s", stamp,
		(int)(ev->t.us / 1000 % 1000), event_kind_name(ev->kind));
}

static void plain_text(const struct ui *ui, const char *key, const char *value)
{
	fprintf(ui->out, " %s=", key);
	if (strcspn(value, " \"=") == strlen(value) && *value) {
		fputs(value, ui->out);
		return;
	}
	fputc('"', ui->out);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			fputc('\\', ui->out);
		fputc((unsigned char)*value < ' ' ? ' ' : *value, ui->out);
	}
	fputc('"', ui->out);
}

static void plain_number(const struct ui *ui, const char *key, double value,
			 int digits)
{
	if (!isnan(value))
		fprintf(ui->out, " %s=%.*f", key, digits, value);
}

static void plain_sample(struct ui *ui, const struct event *ev)
{
	const struct event_sample *s = &ev->sample;

	plain_begin(ui, ev);
	fprintf(ui->out, " pass=%lld remaining_bytes=%lld sent_bytes=%lld",
		(long long)s->pass, (long long)s->remaining_bytes,
		(long long)s->tunnel_bytes);
	plain_number(ui, "bandwidth_bps", s->bandwidth_bps, 0);
	plain_number(ui, "dirty_bps", s->dirty_bps, 0);
	fputc('\n', ui->out);
}

static bool is_time_for_a_sample(struct ui *ui, const struct event *ev)
{
	if (ui->sample_at.us &&
	    mono_diff_ms(ev->mono, ui->sample_at) < PLAIN_SAMPLE_MS)
		return false;
	ui->sample_at = ev->mono;
	return true;
}

static void plain_switchover(const struct ui *ui, const struct event *ev)
{
	plain_begin(ui, ev);
	plain_number(ui, "blackout_ms", ev->switchover.blackout_ms, 1);
	plain_number(ui, "uncertainty_ms",
		     ev->switchover.blackout_uncertainty_ms, 1);
	fputc('\n', ui->out);
}

static void plain_start(const struct ui *ui, const struct event *ev)
{
	plain_begin(ui, ev);
	plain_text(ui, "run", ev->run);
	plain_text(ui, "guest", ev->run_start.guest);
	plain_text(ui, "destination", ev->run_start.destination);
	plain_number(ui, "max_blackout_ms", ev->run_start.max_blackout_ms, 0);
	fputc('\n', ui->out);
}

static void plain_check(const struct ui *ui, const struct event *ev)
{
	if (ev->check->verdict == CHECK_PASS && !ui->verbose)
		return;
	plain_begin(ui, ev);
	plain_text(ui, "verdict", check_verdict_name(ev->check->verdict));
	plain_text(ui, "name", ev->check->name);
	plain_text(ui, "found", ev->check->found);
	if (ev->check->remedy)
		plain_text(ui, "remedy", ev->check->remedy);
	fputc('\n', ui->out);
}

static void voice_plain(struct ui *ui, const struct event *ev)
{
	switch (ev->kind) {
	case EVENT_RUN_START:
		plain_start(ui, ev);
		break;
	case EVENT_CHECK:
		plain_check(ui, ev);
		break;
	case EVENT_PHASE:
		plain_begin(ui, ev);
		plain_text(ui, "to", phase_name(ev->phase.to));
		fputc('\n', ui->out);
		break;
	case EVENT_SAMPLE:
		if (is_time_for_a_sample(ui, ev))
			plain_sample(ui, ev);
		break;
	case EVENT_DECISION:
		plain_begin(ui, ev);
		plain_text(ui, "action", ev->decision.action);
		plain_text(ui, "why", ev->decision.why);
		fputc('\n', ui->out);
		break;
	case EVENT_WARNING:
		plain_begin(ui, ev);
		plain_text(ui, "name", ev->warning.name);
		plain_text(ui, "text", ev->warning.text);
		fputc('\n', ui->out);
		break;
	case EVENT_SWITCHOVER:
		plain_switchover(ui, ev);
		break;
	default:
		break;
	}
	fflush(ui->out);
}

/* --- the live block ------------------------------------------------------- */

void ui_clear(struct ui *ui)
{
	while (ui->drawn_lines) {
		fputs("\033[1A\033[2K", ui->out);
		ui->drawn_lines--;
	}
	fflush(ui->out);
}

static void draw_line(struct ui *ui, const char *text)
{
	fprintf(ui->out, "%s\n", text);
	ui->drawn_lines++;
}

static void draw_sample(struct ui *ui, const struct event_sample *s)
{
	char left[32], all[32], sent[32], link[32], dirty[32], line[400];
	const char *arrow = ui->utf8 ? "→" : "->";

	ui_clear(ui);
	snprintf(line, sizeof(line), "%s  %s   pass %lld   %02d:%02d",
		 ui->guest, ui->route, (long long)s->pass,
		 (int)(s->elapsed_ms / 60000),
		 (int)(s->elapsed_ms / 1000) % 60);
	draw_line(ui, line);
	snprintf(line, sizeof(line), " %s left of %s   sent %s",
		 ui_bytes(left, sizeof(left), (double)s->remaining_bytes),
		 ui_bytes(all, sizeof(all), (double)s->total_bytes),
		 ui_bytes(sent, sizeof(sent), (double)s->tunnel_bytes));
	draw_line(ui, line);
	snprintf(line, sizeof(line), " link %s/s   guest rewrites %s/s",
		 ui_bytes(link, sizeof(link), s->bandwidth_bps),
		 ui_bytes(dirty, sizeof(dirty), s->dirty_bps));
	draw_line(ui, line);
	if (!isnan(ui->blackout_ms)) {
		snprintf(line, sizeof(line),
			 " blackout if switched now %.0f ms (budget %.0f)",
			 ui->blackout_ms, ui->budget_ms);
		draw_line(ui, line);
	}
	if (*ui->note) {
		snprintf(line, sizeof(line), " %s %.300s", arrow, ui->note);
		draw_line(ui, line);
	}
	fflush(ui->out);
}

static void tty_sample(struct ui *ui, const struct event *ev)
{
	if (ui->drawn_at.us &&
	    mono_diff_ms(ev->mono, ui->drawn_at) < REDRAW_MS)
		return;
	ui->drawn_at = ev->mono;
	draw_sample(ui, &ev->sample);
}

static void tty_warning(struct ui *ui, const char *text)
{
	ui_clear(ui);
	fprintf(ui->out, "%swarning:%s %s\n", paint(ui, YELLOW),
		paint(ui, PLAIN), text);
}

static void tty_phase(struct ui *ui, const struct event *ev)
{
	static const char *const said[PHASES] = {
		[PHASE_CONNECT] = "connecting",
		[PHASE_PREFLIGHT] = "checking",
		[PHASE_LAUNCH] = "starting QEMU on the destination",
		[PHASE_PRECOPY] = "copying memory",
		[PHASE_ROLLBACK] = "undoing everything",
	};
	const char *what = said[ev->phase.to];

	if (!what)
		return;
	ui_clear(ui);
	fprintf(ui->out, "%s ...\n", what);
	ui->drawn_lines = 1;
	fflush(ui->out);
}

static void voice_tty(struct ui *ui, const struct event *ev)
{
	switch (ev->kind) {
	case EVENT_CHECK:
		if (ev->check->verdict == CHECK_WARN)
			tty_warning(ui, ev->check->found);
		break;
	case EVENT_PHASE:
		tty_phase(ui, ev);
		break;
	case EVENT_SAMPLE:
		tty_sample(ui, ev);
		break;
	case EVENT_WARNING:
		tty_warning(ui, ev->warning.text);
		break;
	case EVENT_RESULT:
		ui_clear(ui);
		break;
	default:
		break;
	}
}

/* --- the one entrance ----------------------------------------------------- */

static void remember(struct ui *ui, const struct event *ev)
{
	if (ev->kind == EVENT_RUN_START) {
		snprintf(ui->guest, sizeof(ui->guest), "%s",
			 ev->run_start.guest);
		snprintf(ui->route, sizeof(ui->route), "%s %s",
			 ui->utf8 ? "→" : "->", ev->run_start.destination);
		ui->budget_ms = ev->run_start.max_blackout_ms;
	} else if (ev->kind == EVENT_PASS) {
		ui->blackout_ms = ev->pass.predicted_blackout_ms;
	} else if (ev->kind == EVENT_DECISION) {
		snprintf(ui->note, sizeof(ui->note), "%s", ev->decision.why);
	}
}

void ui_event(void *arg, const struct event *ev)
{
	struct ui *ui = arg;

	if (ui->events)
		voice_json(ui, ev);
	remember(ui, ev);
	if (ui->voice == UI_PLAIN)
		voice_plain(ui, ev);
	else if (ui->voice == UI_TTY)
		voice_tty(ui, ev);
	else if (ev->kind == EVENT_WARNING)
		tty_warning(ui, ev->warning.text);
}

/* --- results -------------------------------------------------------------- */

static void receipt_numbers(const struct result *r, FILE *out)
{
	char sent[32], rate[32];

	fprintf(out, "  sent %s",
		ui_bytes(sent, sizeof(sent), (double)r->tunnel_bytes));
	if (r->ram_bytes > 0)
		fprintf(out, " (%.1f x RAM)",
			(double)r->tunnel_bytes / (double)r->ram_bytes);
	fprintf(out, " at %s/s", ui_bytes(rate, sizeof(rate),
					  r->throughput_bps));
	if (!isnan(r->forecast_total_ms))
		fprintf(out, "   forecast was %.1f s, %.0f ms",
			r->forecast_total_ms / 1e3, r->forecast_blackout_ms);
	fputc('\n', out);
	if (r->decision)
		fprintf(out, "  why then: %s\n", r->decision);
	fprintf(out, "  undo: vmferry migrate %s %s, from %s\n", r->guest,
		r->source, r->destination);
}

void ui_receipt(const struct ui *ui, const struct result *r, FILE *out)
{
	const char *arrow = ui->utf8 ? "→" : "->";
	const char *tick = ui->utf8 ? "✔" : "OK";

	fprintf(out, "%s%s%s %s moved %s %s %s in %.1f s", paint(ui, GREEN),
		tick, paint(ui, PLAIN), r->guest, r->source, arrow,
		r->destination, r->total_ms / 1e3);
	if (!isnan(r->blackout_ms))
		fprintf(out, "   blackout %.0f ms %s %.0f (budget %.0f)",
			r->blackout_ms, ui->utf8 ? "±" : "+-",
			ceil(r->blackout_uncertainty_ms), r->budget_ms);
	fprintf(out, "   %lld passes\n", (long long)r->passes);
	receipt_numbers(r, out);
}

void ui_check(const struct ui *ui, const struct check *c, FILE *out)
{
	static const struct {
		const char *word, *code;
	} verdicts[CHECK_VERDICTS] = {
		[CHECK_PASS] = { "PASS", GREEN },
		[CHECK_WARN] = { "WARN", YELLOW },
		[CHECK_FAIL] = { "FAIL", RED },
	};

	fprintf(out, " %s%s%s  %s", paint(ui, verdicts[c->verdict].code),
		verdicts[c->verdict].word, paint(ui, PLAIN), c->found);
	if (c->remedy && c->verdict != CHECK_PASS)
		fprintf(out, "\n       fix: %s", c->remedy);
	if (c->verdict != CHECK_PASS)
		fprintf(out, " [%s]", c->name);
	fputc('\n', out);
}
