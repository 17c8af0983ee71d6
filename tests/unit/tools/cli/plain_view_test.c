/* SPDX-License-Identifier: MIT */
/* Tests of tools/cli/plain_view.c. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "tests/unit/test.h"
#include "tools/cli/plain_view.h"

struct fixture {
	struct outlet out;
	struct plain_view view;
};

static void begin(struct fixture *f, int verbose)
{
	memset(f, 0, sizeof(*f));
	outlet_open(&f->out, -1, 1 << 20);
	f->view.out = &f->out;
	f->view.utf8 = true;
	f->view.verbose = verbose;
}

static void end(struct fixture *f)
{
	outlet_close(&f->out, 0);
}

static const char *said(struct fixture *f)
{
	return buf_data(&f->out.pending);
}

static int lines(struct fixture *f)
{
	int n = 0;

	for (const char *c = said(f); *c; c++)
		n += *c == '\n';
	return n;
}

/* @ms after the start. */
static struct event at(enum event_kind kind, int64_t ms)
{
	return (struct event){
		.kind = kind,
		.t = { 1700000000123456 + ms * 1000 },
		.mono = { ms * 1000 },
		.run = "r1",
	};
}

static void sample(struct fixture *f, int64_t ms)
{
	struct event ev = at(EVENT_SAMPLE, ms);

	ev.sample = (struct event_sample){
		.status = "active",
		.pass = 1,
		.remaining_bytes = 5,
		.transferred_bytes = -1,
		.total_bytes = 10,
		.bandwidth_bps = NAN,
		.dirty_bps = NAN,
		.tunnel_bytes = 3,
		.downtime_limit_ms = 1.5,
		.throttle_percent = -1,
		.elapsed_ms = 7,
	};
	plain_view_event(&f->view, &ev);
}

TEST(a_line_has_time_run_event_and_pairs)
{
	struct event ev = at(EVENT_PHASE, 0);
	struct fixture f;

	begin(&f, 0);
	ev.phase = (struct event_phase){ PHASE_TUNNEL, PHASE_PRECOPY };
	plain_view_event(&f.view, &ev);
	assert_string_equal(said(&f),
			    "2023-11-14T22:13:20.123Z run=r1 event=phase "
			    "from=tunnel to=precopy\n");
	end(&f);
}

TEST(unknown_numbers_are_left_out)
{
	struct fixture f;

	begin(&f, 0);
	sample(&f, 0);
	assert_string_equal(said(&f),
			    "2023-11-14T22:13:20.123Z run=r1 event=sample "
			    "status=active pass=1 remaining_bytes=5 "
			    "total_bytes=10 tunnel_bytes=3 "
			    "downtime_limit_ms=1.5 elapsed_ms=7\n");
	end(&f);
}

TEST(progress_is_printed_at_most_every_ten_seconds)
{
	struct fixture f;

	begin(&f, 0);
	for (int64_t ms = 0; ms <= 30000; ms += 100)
		sample(&f, ms);
	assert_int_equal(lines(&f), 4);
	end(&f);
}

TEST(decisions_and_warnings_never_wait)
{
	struct event d = at(EVENT_DECISION, 1), w = at(EVENT_WARNING, 2);
	struct fixture f;

	begin(&f, 0);
	d.decision = (struct event_decision){ "open-gate", "it fits", 300 };
	w.warning = (struct event_warning){ "slow", "a \"slow\" link" };
	for (int i = 0; i < 3; i++) {
		plain_view_event(&f.view, &d);
		plain_view_event(&f.view, &w);
	}
	assert_int_equal(lines(&f), 6);
	assert_non_null(strstr(said(&f), " why=\"it fits\" "));
	assert_non_null(strstr(said(&f), " text=\"a \\\"slow\\\" link\"\n"));
	end(&f);
}

TEST(passed_checks_are_for_the_curious)
{
	char found[] = "fits";
	struct check c = { .name = "ram",
			   .side = CHECK_BOTH,
			   .verdict = CHECK_PASS,
			   .found = found };
	struct event ev = at(EVENT_CHECK, 0);
	struct fixture f;

	ev.check = &c;
	begin(&f, 0);
	plain_view_event(&f.view, &ev);
	assert_int_equal(lines(&f), 0);
	end(&f);
	begin(&f, 1);
	plain_view_event(&f.view, &ev);
	assert_int_equal(lines(&f), 1);
	end(&f);
}

TEST(nothing_of_others_gets_out_of_its_line)
{
	struct event w = at(EVENT_WARNING, 0);
	struct fixture f;

	begin(&f, 0);
	w.warning = (struct event_warning){ "x", "a\r\nb\033[2J" };
	plain_view_event(&f.view, &w);
	assert_int_equal(lines(&f), 1);
	assert_null(strchr(said(&f), '\r'));
	assert_null(strchr(said(&f), '\033'));
	end(&f);
}

TEST(a_note_is_a_line_too)
{
	struct fixture f;

	begin(&f, 0);
	plain_view_note(&f.view, (struct wall){ 1700000000000000 }, "so be it");
	assert_string_equal(said(&f), "2023-11-14T22:13:20.000Z event=note "
				      "text=\"so be it\"\n");
	end(&f);
}
