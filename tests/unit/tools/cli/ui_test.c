/* SPDX-License-Identifier: MIT */
/* Tests of tools/cli/ui.c: which voice speaks, and where. */
#include <fcntl.h>
#include <pty.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "tools/cli/ui.h"
#include "transport/base/xalloc.h"

static struct event warning(void)
{
	return (struct event){
		.kind = EVENT_WARNING,
		.run = "r1",
		.warning = { "w", "mind the gap" },
	};
}

static struct event phase(enum phase to)
{
	return (struct event){
		.kind = EVENT_PHASE,
		.run = "r1",
		.phase = { PHASE_CONNECT, to },
	};
}

/* What a ui that got @ev said on a pipe. */
static char *said(struct settings *s, const struct event *ev, int times)
{
	static char text[4096];
	struct ui ui;
	ssize_t n;
	int p[2];

	assert_int_equal(pipe(p), 0);
	assert_int_equal(ui_open(&ui, s, p[1], NULL), 0);
	for (int i = 0; i < times; i++)
		ui_event(&ui, ev);
	assert_int_equal(ui_close(&ui, NULL), 0);
	close(p[1]);
	n = read(p[0], text, sizeof(text) - 1);
	assert_true(n >= 0);
	text[n] = '\0';
	close(p[0]);
	return text;
}

TEST(a_pipe_gets_plain_lines)
{
	struct settings s;
	struct event ev = phase(PHASE_PRECOPY);

	settings_init(&s);
	assert_non_null(strstr(said(&s, &ev, 1), "Z run=r1 event=phase "));
	settings_free(&s);
}

TEST(quiet_still_warns)
{
	struct settings s;
	struct event p = phase(PHASE_PRECOPY), w = warning();

	settings_init(&s);
	s.quiet = true;
	assert_string_equal(said(&s, &p, 1), "");
	assert_non_null(strstr(said(&s, &w, 1), "mind the gap"));
	settings_free(&s);
}

TEST(a_terminal_gets_the_live_block)
{
	struct settings s;
	struct event ev = warning();
	struct ui ui;
	char text[256];
	int master, slave;
	ssize_t n;

	settings_init(&s);
	setenv("TERM", "xterm", 1);
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	assert_int_equal(ui_open(&ui, &s, slave, NULL), 0);
	assert_int_equal(ui.voice, UI_TTY);
	ui_event(&ui, &ev);
	n = read(master, text, sizeof(text) - 1);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "warning:"));
	assert_int_equal(ui_close(&ui, NULL), 0);
	close(master);
	close(slave);
	settings_free(&s);
}

TEST(a_dumb_terminal_gets_plain_lines)
{
	struct settings s;
	struct ui ui;
	int master, slave;

	settings_init(&s);
	setenv("TERM", "dumb", 1);
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	assert_int_equal(ui_open(&ui, &s, slave, NULL), 0);
	assert_int_equal(ui.voice, UI_PLAIN);
	assert_false(ui.style.color);
	assert_int_equal(ui_close(&ui, NULL), 0);
	close(master);
	close(slave);
	settings_free(&s);
}

TEST(no_color_is_heeded_unless_asked_otherwise)
{
	struct settings s;
	int master, slave;

	settings_init(&s);
	setenv("TERM", "xterm", 1);
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	assert_true(ui_style(&s, slave).color);
	setenv("NO_COLOR", "1", 1);
	assert_false(ui_style(&s, slave).color);
	s.color = COLOR_ALWAYS;
	assert_true(ui_style(&s, slave).color);
	unsetenv("NO_COLOR");
	close(master);
	close(slave);
	settings_free(&s);
}

TEST(events_go_to_a_private_file)
{
	char path[] = "/tmp/vmferry-events-XXXXXX", text[256];
	struct settings s;
	struct event ev = warning();
	struct stat st;
	int fd = mkstemp(path);
	ssize_t n;

	settings_init(&s);
	unlink(path);
	s.events = xstrdup(path);
	said(&s, &ev, 1);
	close(fd);
	fd = open(path, O_RDONLY);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	n = read(fd, text, sizeof(text) - 1);
	assert_true(n > 0);
	assert_int_equal(text[n - 1], '\n');
	assert_int_equal(strncmp(text, "{\"v\":1,", 7), 0);
	close(fd);
	unlink(path);
	settings_free(&s);
}

TEST(events_go_to_a_descriptor_that_the_caller_hands_on)
{
	struct settings s;
	struct event ev = warning();
	char text[256];
	int p[2];

	/* inherited, it is not closed by exec */
	assert_int_equal(pipe(p), 0);
	settings_init(&s);
	s.events = xasprintf("fd:%d", p[1]);
	said(&s, &ev, 1);
	close(p[1]);
	assert_true(read(p[0], text, sizeof(text)) > 7);
	assert_memory_equal(text, "{\"v\":1,", 7);
	close(p[0]);
	settings_free(&s);
}

TEST(events_to_a_closed_descriptor_are_a_wrong_use)
{
	struct settings s;
	struct err err = { 0 };
	struct ui ui;

	settings_init(&s);
	s.events = xstrdup("fd:987");
	assert_int_equal(ui_open(&ui, &s, STDERR_FILENO, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	err_reset(&err);
	settings_free(&s);
}

TEST(events_that_are_lost_are_reported)
{
	struct settings s;
	struct err err = { 0 };
	struct event ev = warning();
	struct ui ui;

	settings_init(&s);
	s.events = xstrdup("/dev/full");
	s.quiet = true;
	assert_int_equal(ui_open(&ui, &s, open("/dev/null", O_WRONLY), NULL),
			 0);
	ui_event(&ui, &ev);
	assert_int_equal(ui_close(&ui, &err), -1);
	assert_int_equal(err.kind, ERR_SYSTEM);
	close(ui.fd);
	err_reset(&err);
	settings_free(&s);
}

TEST(a_cancel_after_the_switchover_began_promises_nothing)
{
	struct settings s;
	struct event start = { .kind = EVENT_RUN_START, .run = "r1" };
	struct event copy = phase(PHASE_PRECOPY);
	struct event over = phase(PHASE_SWITCHOVER);
	char text[2048];
	struct ui ui;
	ssize_t n;
	int p[2];

	settings_init(&s);
	assert_int_equal(pipe(p), 0);
	start.run_start.guest = start.run_start.destination = "x";
	assert_int_equal(ui_open(&ui, &s, p[1], NULL), 0);
	ui_event(&ui, &start);
	ui_event(&ui, &copy);
	ui_cancelling(&ui);
	n = read(p[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	assert_non_null(strstr(text, "everything is undone"));
	ui_event(&ui, &over);
	ui_cancelling(&ui);
	n = read(p[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	assert_null(strstr(text, "everything is undone"));
	assert_int_equal(ui_close(&ui, NULL), 0);
	close(p[0]);
	close(p[1]);
	settings_free(&s);
}
