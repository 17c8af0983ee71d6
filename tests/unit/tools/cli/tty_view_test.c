/* SPDX-License-Identifier: MIT */
/* Tests of tools/cli/tty_view.c: what is on the screen afterwards. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"
#include "tools/cli/tty_view.h"

#define FULL "██████████"

struct fixture {
	struct outlet out;
	struct tty_view view;
	char screen[8192];
};

static void begin(struct fixture *f, bool utf8, int columns)
{
	memset(f, 0, sizeof(*f));
	outlet_open(&f->out, -1, 1 << 20);
	f->view.out = &f->out;
	f->view.style = (struct style){ .utf8 = utf8, .columns = columns };
}

static void end(struct fixture *f)
{
	tty_view_free(&f->view);
	outlet_close(&f->out, 0);
}

/* Goes up @n lines from the end of @screen and drops what is below. */
static void erase(char *screen, long n)
{
	size_t len = strlen(screen);

	for (; n >= 0 && len; len--) {
		if (screen[len - 1] == '\n' && n-- == 0)
			break;
	}
	screen[len] = '\0';
}

/*
 * Plays the bytes to a terminal that knows "\r", "\033[nA" and "\033[J", the
 * only ones that the view may use here.
 */
static const char *screen(struct fixture *f)
{
	const char *s = buf_data(&f->out.pending);
	size_t n = 0;

	f->screen[0] = '\0';
	while (*s) {
		if (*s == '\r') {
			s++;
		} else if (!strncmp(s, "\033[J", 3)) {
			s += 3;
		} else if (*s == '\033') {
			char *after;
			long up = strtol(s + 2, &after, 10);

			assert_int_equal(*after, 'A');
			erase(f->screen, up);
			s = after + 1;
		} else {
			n = strlen(f->screen);
			assert_true(n + 2 < sizeof(f->screen));
			f->screen[n] = *s++;
			f->screen[n + 1] = '\0';
		}
	}
	return f->screen;
}

static struct event at(enum event_kind kind, int64_t ms)
{
	return (struct event){
		.kind = kind,
		.mono = { ms * 1000 },
		.run = "r1",
	};
}

static void start(struct fixture *f)
{
	struct event ev = at(EVENT_RUN_START, 0);

	ev.run_start = (struct event_run_start){
		.guest = "web1",
		.source = "local",
		.destination = "hostb",
		.max_blackout_ms = 300,
		.deadline_s = NAN,
	};
	tty_view_event(&f->view, &ev);
}

static void enter(struct fixture *f, int64_t ms, enum phase to)
{
	struct event ev = at(EVENT_PHASE, ms);

	ev.phase = (struct event_phase){ f->view.phase, to };
	tty_view_event(&f->view, &ev);
}

static void sample(struct fixture *f, int64_t ms, int64_t pass, int64_t left)
{
	struct event ev = at(EVENT_SAMPLE, ms);

	ev.sample = (struct event_sample){
		.status = "active",
		.pass = pass,
		.remaining_bytes = left,
		.transferred_bytes = 4000000000 - left,
		.total_bytes = 4000000000,
		.bandwidth_bps = 800e6,
		.dirty_bps = 120e6,
		.tunnel_bytes = 3900000000,
		.downtime_limit_ms = 1,
		.throttle_percent = 0,
		.elapsed_ms = (double)ms,
	};
	tty_view_event(&f->view, &ev);
}

static void warn(struct fixture *f, const char *text)
{
	struct event ev = at(EVENT_WARNING, 0);

	ev.warning = (struct event_warning){ "w", text };
	tty_view_event(&f->view, &ev);
}

TEST(the_block_shows_what_is_left)
{
	struct fixture f;

	begin(&f, true, 80);
	start(&f);
	enter(&f, 1000, PHASE_PRECOPY);
	sample(&f, 14000, 3, 96000000);
	assert_string_equal(screen(&f),
			    "web1 → hostb   copying   pass 3   00:14\n"
			    "[" FULL FULL FULL "█████████ ]"
			    "  96 MB left of 4.0 GB\n"
			    " sent 3.9 GB   link 800 MB/s █   "
			    "guest writes 120 MB/s █\n"
			    " blackout if switched now 120 ms (budget 300)\n");
	end(&f);
}

TEST(a_redraw_replaces_the_block)
{
	struct fixture f;

	begin(&f, true, 80);
	start(&f);
	enter(&f, 0, PHASE_PRECOPY);
	sample(&f, 1000, 1, 3000000000);
	sample(&f, 2000, 1, 2000000000);
	assert_null(strstr(screen(&f), "3.0 GB left"));
	assert_non_null(strstr(screen(&f), "2.0 GB left"));
	end(&f);
}

TEST(what_stays_is_above_the_block)
{
	struct fixture f;

	begin(&f, true, 80);
	start(&f);
	warn(&f, "mind the gap");
	enter(&f, 2000, PHASE_CONNECT);
	assert_string_equal(screen(&f), "warning: mind the gap\n"
					"web1 → hostb   connecting   00:02\n");
	end(&f);
}

TEST(the_bar_never_runs_backwards)
{
	struct fixture f;
	char before[512];
	const char *bar;

	begin(&f, true, 80);
	start(&f);
	enter(&f, 0, PHASE_PRECOPY);
	sample(&f, 1000, 1, 1000000000);
	bar = strchr(screen(&f), '[');
	snprintf(before, sizeof(before), "%.*s", (int)strcspn(bar, "]"), bar);
	sample(&f, 2000, 2, 3000000000);
	assert_non_null(strstr(screen(&f), before));
	assert_non_null(strstr(f.screen, "3.0 GB left"));
	end(&f);
}

TEST(samples_redraw_ten_times_a_second_at_most)
{
	struct fixture f;
	size_t before;

	begin(&f, true, 80);
	start(&f);
	enter(&f, 0, PHASE_PRECOPY);
	sample(&f, 1000, 1, 1000);
	before = buf_len(&f.out.pending);
	sample(&f, 1050, 1, 900);
	assert_int_equal(buf_len(&f.out.pending), before);
	sample(&f, 1100, 1, 800);
	assert_true(buf_len(&f.out.pending) > before);
	end(&f);
}

TEST(no_line_of_the_block_wraps)
{
	struct fixture f;

	begin(&f, true, 30);
	start(&f);
	enter(&f, 0, PHASE_PRECOPY);
	sample(&f, 1000, 3, 96000000);
	for (char *save = NULL,
		  *line = strtok_r((char *)screen(&f), "\n", &save);
	     line; line = strtok_r(NULL, "\n", &save)) {
		size_t letters = 0;

		for (; *line; line++)
			letters += (*line & 0xc0) != 0x80;
		assert_true(letters < 30);
	}
	end(&f);
}

TEST(without_utf8_all_is_ascii)
{
	struct fixture f;

	begin(&f, false, 80);
	start(&f);
	enter(&f, 0, PHASE_PRECOPY);
	sample(&f, 1000, 3, 96000000);
	for (const char *s = screen(&f); *s; s++)
		assert_true((unsigned char)*s < 0x80);
	assert_non_null(strstr(f.screen, "web1 -> hostb"));
	end(&f);
}

TEST(at_the_result_the_screen_is_left_to_others)
{
	struct event ev = at(EVENT_RESULT, 3000);
	struct fixture f;

	begin(&f, true, 80);
	start(&f);
	enter(&f, 1000, PHASE_PRECOPY);
	sample(&f, 2000, 1, 5);
	tty_view_event(&f.view, &ev);
	assert_string_equal(screen(&f), "");
	end(&f);
}

TEST(a_guest_cannot_write_to_the_screen_by_its_name)
{
	struct event ev = at(EVENT_RUN_START, 0);
	struct fixture f;

	begin(&f, true, 80);
	ev.run_start = (struct event_run_start){
		.guest = "\033]0;owned\a",
		.destination = "hostb",
	};
	tty_view_event(&f.view, &ev);
	assert_non_null(strstr(buf_data(&f.out.pending), "\\x1b]0;owned\\x07"));
	end(&f);
}
