/* SPDX-License-Identifier: MIT */
/* rehearse: a migration that goes nowhere; theory in rehearse.h. */
#include "engine/estimate/rehearse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/policy/policy.h"
#include "engine/run/prepare.h"
#include "engine/run/ram.h"
#include "engine/run/run_events.h"
#include "engine/run/run_journal.h"
#include "engine/estimate/rehearse_sink.h"
#include "engine/state/journal.h"
#include "qmp/json.h"
#include "qmp/qmp.h"
#include "qmp/qmp_dirty.h"
#include "qmp/qmp_migrate.h"
#include "transport/base/log.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

/* The tunnel's name in QEMU, so that a later one takes the place of ours. */
static const char fd_name[] = "vmferry";

enum {
	/* pages of zeroes may be on their way that no look can see: 36 KiB of
	 * QEMU's buffer and the socket's are 4200 of them */
	HIDDEN_PAGES = 4200,
	HOLD_PAGES = 8192, /* a quiet guest is held with so many left */
	LEAST_MS = 350,	   /* a pass: who runs writes a page meanwhile */
	BRAKE_PAGES = 64,  /* with so many left, or */
	NEAR_PAGES = 128,  /* so many more, the fast part ends */
	QUIET_PAGES = 64,  /* a pass that left no more is the last */
	TRICKLE_BYTES = 24 * 1024,
	TRICKLE_MS = 10,
	READ_MS = 10, /* between two looks */
	HOLD_POLL_MS = 50,
	FINISH_MS = 500, /* a pass from its brake to its end */
	FRESH_MS = 50,	 /* a window that has not ended yet */
	OLD_MS = 120,	 /* one that ends when QEMU looks */
	SAMPLE_POLL_MS = 50,
	PATIENCE_MS = 3000, /* for an end of a pass */
	RESUME_MS = 2000,
	SAMPLES = 16384,
	LAST_BYTES = 12 * 1024, /* of a pass, in steps; what sockets hold */
};

/* So much of its time goes into the first pass. */
static const double first_pass_share = 0.3;
static const double least_bps = 100e6, most_bps = 1e9;

struct rehearsing {
	struct run *r;
	struct rehearsal *out;
	struct rehearse_sink sink;
	struct rehearse_look before, now;
	struct mono began, until;
	struct mono sync_at;	/* the last sync; zero: before the first */
	struct mono pass_event; /* the last MIGRATION_PASS */
	struct mono window_at;	/* mbps last changed */
	bool wide;		/* the socket is */
	uint64_t zero_then;	/* pages of zeroes when the pass began */
	uint64_t window_low;	/* QEMU had written then, at least */
	uint64_t window_high;	/* and at most */
	double rate_bps;
	bool exact_gate; /* avail-switchover-bandwidth shuts it */
	bool fd_handed;
	bool stopped;
	struct mono stopped_at;
};

void rehearsal_init(struct rehearsal *out)
{
	*out = (struct rehearsal){ .wire_share = NAN };
}

void rehearse_add(struct rehearsal *out, double seconds, double bytes,
		  bool sampled)
{
	if (out->n == REHEARSE_POINTS)
		return;
	out->v[out->n++] = (struct rehearse_point){ seconds, bytes, sampled };
	out->passes += !sampled;
	log_debug("source", "%s: %.0f bytes dirtied in %.3f s",
		  sampled ? "sample" : "pass", bytes, seconds);
}

/* --- page sampling ------------------------------------------------------- */

static unsigned int pages_per_gib(uint64_t ram_bytes)
{
	uint64_t n = ((uint64_t)SAMPLES << 30) / (ram_bytes ? ram_bytes : 1);

	if (n > QMP_DIRTY_MOST_PAGES)
		return QMP_DIRTY_MOST_PAGES;
	return n < 512 ? 512 : (unsigned int)n;
}

/* The bytes that one page of the sample represents. */
static double sample_grain(uint64_t ram_bytes)
{
	return (double)(1 << 30) / pages_per_gib(ram_bytes);
}

int rehearse_sample(struct run *r, unsigned int seconds, struct rehearsal *out,
		    struct err *err)
{
	uint64_t ram = r->source.facts.ram_bytes;
	struct mono until = mono_in_ms(seconds * 1000 + RUN_QMP_MS);
	double bps = 0;
	int rc = 0;

	if (ram < QMP_DIRTY_LEAST_BYTES) {
		out->quiet = true;
		return 0;
	}
	if (qmp_calc_dirty_rate(r->src.qmp, seconds, pages_per_gib(ram),
				run_qmp_deadline(), err) < 0)
		return err_wrap(err, ERR_NONE, "QEMU does not measure");
	while (rc == 0) {
		if (mono_before(until, mono_now()))
			return err_set(err, ERR_TIMEOUT,
				       "QEMU's measurement does not end");
		if (task_sleep_until(mono_in_ms(SAMPLE_POLL_MS), err) < 0)
			return -1;
		rc = qmp_query_dirty_rate(r->src.qmp, &bps, run_qmp_deadline(),
					  err);
	}
	if (rc < 0)
		return -1;
	out->quiet = bps <= 0;
	/* nothing in the sample is smaller than what one page represents */
	rehearse_add(out, seconds,
		     bps > 0 ? bps * seconds : sample_grain(ram) / 2, true);
	return 0;
}

/* --- settings ------------------------------------------------------------ */

static const char gate[] = "switchover-ack";

/*
 * Off: what would slow the guest, or make other bytes of its pages. With
 * switchover-ack (8.1) QEMU does not stop a guest before the destination has
 * agreed, and nobody here ever does; return-path is what that goes with.
 */
static const struct qmp_capability wanted[] = {
	{ "events", true },
	{ "pause-before-switchover", true },
	{ gate, true },
	{ "auto-converge", false },
	{ "dirty-limit", false },
	{ "xbzrle", false },
	{ "multifd", false },
	{ "compress", false },
	{ "rdma-pin-all", false },
	{ "x-colo", false },
	{ "background-snapshot", false },
	{ "mapped-ram", false },
	{ "zero-copy-send", false },
	{ "postcopy-ram", false },
	{ "postcopy-preempt", false },
	{ "dirty-bitmaps", false },
	{ "block", false },
	{ "x-ignore-shared", false },
};

static int set_capabilities(struct run *r, struct err *err)
{
	struct qmp_capability caps[ARRAY_SIZE(wanted) + 1];
	size_t n = 0;
	bool now, acked;

	acked = qmp_capability_known(r->attempt.src.caps, gate, &now);
	if (qmp_capability_known(r->attempt.src.caps, "return-path", &now) &&
	    now != acked)
		caps[n++] = (struct qmp_capability){ "return-path", acked };

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		if (qmp_capability_known(r->attempt.src.caps, wanted[i].name,
					 &now) &&
		    now != wanted[i].state)
			caps[n++] = wanted[i];
	}
	if (!n)
		return 0;
	return qmp_migrate_set_capabilities(r->src.qmp, caps, n,
					    run_qmp_deadline(), err);
}

/* Everything that is changed is in the journal before. */
static int prepare(struct rehearsing *x, struct err *err)
{
	static const char avail[] = "avail-switchover-bandwidth";
	struct run *r = x->r;
	struct json_object *p;

	if (prepare_read_source(r, err) < 0 ||
	    run_journal_write(r, JOURNAL_DEST, err) < 0)
		return -1;
	p = json_add_u64(json_new(), "downtime-limit", POLICY_HOLD_MS);
	p = json_add_u64(p, "max-bandwidth", 0);
	x->exact_gate = json_has(
		(struct json_at){ r->attempt.src.params, "params" }, avail);
	if (x->exact_gate)
		p = json_add_u64(p, avail, 1000);
	prepare_touch_source(r);
	if (qmp_migrate_set_parameters(r->src.qmp, p, run_qmp_deadline(), err) <
	    0)
		return -1;
	return set_capabilities(r, err);
}

static int begin(struct rehearsing *x, struct err *err)
{
	struct run *r = x->r;
	AUTO_FREE char *uri = xasprintf("fd:%s", fd_name);

	if (rehearse_sink_open(&x->sink, err) < 0 ||
	    run_journal_write(r, JOURNAL_MIGRATE, err) < 0)
		return -1;
	x->fd_handed = true;
	if (qmp_getfd(r->src.qmp, fd_name, x->sink.theirs, run_qmp_deadline(),
		      err) < 0)
		return -1;
	x->began = mono_now();
	x->window_at = x->began;
	if (ram_migrate(r, uri, err) < 0)
		return -1;
	x->fd_handed = false;
	return 0;
}

/* --- looking ------------------------------------------------------------- */

static void take_event(struct rehearsing *x, const struct qmp_event *ev)
{
	if (!strcmp(ev->name, "MIGRATION_PASS")) {
		x->pass_event = ev->received;
	} else if (!strcmp(ev->name, "STOP")) {
		x->stopped = true;
		x->stopped_at = ev->received;
	} else if (!strcmp(ev->name, "RESUME") && x->stopped) {
		x->stopped = false;
		x->out->paused_ms += mono_diff_ms(ev->received, x->stopped_at);
	} else if (!strcmp(ev->name, "SHUTDOWN")) {
		run_events_source_ended(x->r);
	}
}

static void take_events(struct rehearsing *x)
{
	struct qmp_event *ev;

	while ((ev = qmp_listener_take(x->r->src.events))) {
		take_event(x, ev);
		qmp_event_free(ev);
	}
}

/* A window of QEMU's has ended when its figure is another one. */
static void note_window(struct rehearsing *x)
{
	if (x->now.mbps == x->before.mbps)
		return;
	x->window_at = x->now.at;
	x->window_low = x->before.written;
	x->window_high = x->now.written;
	/* as it began, all was in the socket */
	if (!x->wide && x->window_high > x->sink.bytes + SINK_NARROW)
		x->window_high = x->sink.bytes + SINK_NARROW;
}

/* Somebody's `stop` is to stay: nothing here lets the guest go on, then. */
static int explain_stop(struct rehearsing *x, enum migration_status s,
			struct err *err)
{
	struct run *r = x->r;
	struct qmp_status st;

	if (s == MIGRATION_ACTIVE &&
	    qmp_query_status(r->src.qmp, &st, run_qmp_deadline(), NULL) == 0 &&
	    st.state == RUN_PAUSED) {
		run_events_source_paused(r, &st);
		return err_set(err, ERR_FAILED,
			       "%s was paused by somebody meanwhile",
			       guest_label(&r->source.guest));
	}
	return err_set(err, ERR_FAILED,
		       "QEMU stopped the guest, which is most unusual");
}

/* Asks QEMU and takes its events. -1: there is no going on. */
static int look(struct rehearsing *x, struct err *err)
{
	struct qmp_migrate_info info = { 0 };
	enum migration_status s;

	if (qmp_query_migrate(x->r->src.qmp, &info, run_qmp_deadline(), err) <
	    0)
		return -1;
	s = info.status;
	if (info.has_ram && info.page_bytes) {
		x->before = x->now;
		x->now = (struct rehearse_look){
			.sync = info.dirty_sync_count,
			.left = info.remaining_bytes / info.page_bytes,
			.taken = info.normal_pages + info.duplicate_pages,
			.zero = info.duplicate_pages,
			.written = info.transferred_bytes,
			.mbps = info.mbps,
			.at = mono_now(),
		};
		note_window(x);
	}
	qmp_migrate_info_free(&info);
	take_events(x);
	if (x->r->source.ended)
		return run_events_guest_alive(x->r, err);
	if (x->stopped || s == MIGRATION_PRE_SWITCHOVER)
		return explain_stop(x, s, err);
	if (s == MIGRATION_ACTIVE || s == MIGRATION_SETUP)
		return 0;
	return err_set(err, ERR_FAILED, "QEMU's migration went into status %s",
		       migration_status_name(s));
}

static bool time_is_over(const struct rehearsing *x, int reserve_ms)
{
	return !mono_before(mono_add_ms(mono_now(), reserve_ms), x->until);
}

/* --- a pass -------------------------------------------------------------- */

enum way { WAY_ON, WAY_SYNCED, WAY_OVER };

static bool has_synced(const struct rehearsing *x)
{
	return x->before.sync && x->now.sync > x->before.sync;
}

/* No faster than asked for: the guest shares the machine. */
static int pace(struct rehearsing *x, uint64_t since, struct mono from,
		struct err *err)
{
	double due_ms = (double)(x->sink.bytes - since) / x->rate_bps * 1e3;
	struct mono due = mono_add_ms(from, (int64_t)due_ms);

	if (!mono_before(mono_now(), due))
		return 0;
	return task_sleep_until(mono_min(due, mono_in_ms(HOLD_POLL_MS)), err);
}

/*
 * What may be read before the next look on the way down to @keep pages. Where
 * the gate needs no trickle it does no harm to take likely bytes for granted.
 */
static uint64_t credit_of(const struct rehearsing *x, uint64_t keep)
{
	uint64_t bytes =
		rehearse_credit(&x->before, &x->now, x->sink.bytes, keep);
	uint64_t pages = x->now.left > keep ? x->now.left - keep : 0;

	if (x->exact_gate && x->now.zero == x->before.zero &&
	    bytes < pages * 2048)
		return pages * 2048; /* half of it */
	return bytes;
}

/* What is left may be under way already: from here on at a trickle. */
static bool ends_in_zeroes(const struct rehearsing *x)
{
	return x->now.zero > x->before.zero && x->now.left <= HIDDEN_PAGES;
}

/* Down to some @keep pages, by up to @near more, as fast as is allowed. */
static int copy_down(struct rehearsing *x, uint64_t keep, uint64_t near,
		     enum way *way, struct err *err)
{
	uint64_t since = x->sink.bytes;
	struct mono from = mono_now();

	*way = WAY_ON;
	/* a wide socket hides too many pages of zeroes */
	x->wide = x->out->passes > 0;
	rehearse_sink_width(&x->sink, x->wide ? SINK_WIDE : SINK_NARROW);
	for (;;) {
		if (look(x, err) < 0)
			return -1;
		if (has_synced(x))
			*way = WAY_SYNCED;
		else if (time_is_over(x, 0))
			*way = WAY_OVER;
		if (*way != WAY_ON || x->now.left <= keep + near ||
		    ends_in_zeroes(x))
			break;
		if (rehearse_sink_read(&x->sink, credit_of(x, keep),
				       mono_in_ms(READ_MS), err) < 0 ||
		    pace(x, since, from, err) < 0)
			return -1;
	}
	rehearse_sink_width(&x->sink, SINK_NARROW);
	x->wide = false;
	return 0;
}

static int hold_until(struct rehearsing *x, struct mono t, struct err *err)
{
	while (!has_synced(x) && mono_before(mono_now(), t)) {
		if (task_sleep_until(mono_min(t, mono_in_ms(HOLD_POLL_MS)),
				     err) < 0 ||
		    look(x, err) < 0)
			return -1;
	}
	return 0;
}

/*
 * QEMU's last figure holds until its window is 100 ms old and QEMU gets to look
 * again; from then on the present window counts, with all that is written in it
 * before that.
 */
static bool gate_is_shut(const struct rehearsing *x)
{
	double age_ms = mono_diff_ms(mono_now(), x->window_at);
	double most = (double)(x->now.written - x->window_low);
	double least = (double)x->now.written - (double)x->window_high;
	double ready =
		(double)x->now.written - (double)x->sink.bytes - SINK_NARROW;
	bool old = rehearse_gate_is_shut(x->now.mbps);
	bool present =
		rehearse_window_is_slow(fmax(least, ready), most, age_ms);

	if (x->exact_gate)
		return true;
	if (x->window_at.us == x->began.us)
		return false;
	return (old || age_ms > OLD_MS) && (present || age_ms < FRESH_MS);
}

/*
 * What QEMU writes before the next sync: for sure, or, in a pass without any
 * pages of zeroes so far, by all likelihood.
 */
static uint64_t is_left(const struct rehearsing *x)
{
	uint64_t bytes = rehearse_surely_left(&x->now, x->sink.bytes);

	if (x->now.zero == x->zero_then)
		bytes += x->now.left * 2048;
	return bytes > LAST_BYTES ? bytes - LAST_BYTES : 0;
}

/*
 * Until the gate is shut, at a trickle, so that QEMU's bandwidth is next to
 * none; when there is too little left for one, time alone makes a window slow.
 */
static int trickle(struct rehearsing *x, uint64_t bytes, struct err *err)
{
	/* so that some is left for every look */
	bytes /= 12;
	if (bytes > TRICKLE_BYTES)
		bytes = TRICKLE_BYTES;
	if (bytes < SINK_STEP_BYTES && x->now.left > 1)
		bytes = SINK_STEP_BYTES;
	if (rehearse_sink_read(&x->sink, bytes, mono_in_ms(1), err) < 0)
		return -1;
	return task_sleep_until(mono_in_ms(TRICKLE_MS), err);
}

static int go_on(struct rehearsing *x, struct err *err)
{
	uint64_t bytes = is_left(x);

	if (!gate_is_shut(x))
		return trickle(x, bytes, err);
	if (bytes > SINK_STEP_BYTES)
		return rehearse_sink_read(&x->sink, bytes, mono_in_ms(READ_MS),
					  err);
	return rehearse_sink_step(&x->sink, err);
}

/* To the sync, the last of it in steps that leave QEMU no room beyond. */
static int finish(struct rehearsing *x, enum way *way, struct err *err)
{
	struct mono until = mono_min(x->until, mono_in_ms(PATIENCE_MS));

	while (!has_synced(x) && mono_before(mono_now(), until)) {
		if (go_on(x, err) < 0 || look(x, err) < 0)
			return -1;
	}
	*way = has_synced(x) ? WAY_SYNCED : WAY_OVER;
	return 0;
}

/* The new pass is under way; what it found is the old one's point. */
static uint64_t take_point(struct rehearsing *x)
{
	uint64_t pages = rehearse_dirtied(&x->before, &x->now);
	struct mono at = x->now.at;

	/* the event knows better when it was; 11.1 may lack it */
	if (mono_before(x->before.at, x->pass_event))
		at = mono_min(at, x->pass_event);
	rehearse_add(x->out, mono_diff_ms(at, x->sync_at) / 1e3,
		     (double)pages * POLICY_PAGE_BYTES, false);
	x->sync_at = at;
	return pages;
}

static void note_share(struct rehearsing *x)
{
	double all = (double)x->now.taken * POLICY_PAGE_BYTES;

	if (x->now.taken > 1024)
		x->out->wire_share = (double)x->sink.bytes / all;
}

/* One pass, meant to take @target_s. */
static int pass(struct rehearsing *x, double target_s, enum way *way,
		struct err *err)
{
	bool first = !x->out->passes;
	double ms = fmax(target_s * 1e3 - FINISH_MS, LEAST_MS);
	struct mono end = mono_add_ms(x->sync_at, (int64_t)ms);

	if (copy_down(x, BRAKE_PAGES, NEAR_PAGES, way, err) < 0)
		return -1;
	if (first)
		note_share(x);
	if (*way != WAY_ON)
		return 0;
	if (hold_until(x, end, err) < 0)
		return -1;
	if (has_synced(x) || time_is_over(x, FINISH_MS)) {
		*way = has_synced(x) ? WAY_SYNCED : WAY_OVER;
		return 0;
	}
	return finish(x, way, err);
}

/* --- all of it ----------------------------------------------------------- */

/* A quiet guest: as much of the first pass as is safe. */
static int look_through(struct rehearsing *x, struct err *err)
{
	enum way way;

	if (x->r->source.facts.ram_bytes / POLICY_PAGE_BYTES <
	    (uint64_t)3 * HOLD_PAGES) {
		x->out->end =
			"the guest is too small to be measured by passes, "
			"writing so little";
		return 0;
	}
	x->out->end = "the guest writes too little to be measured by passes";
	if (copy_down(x, HOLD_PAGES, HOLD_PAGES, &way, err) < 0)
		return -1;
	note_share(x);
	return 0;
}

/* Out of `setup`, with the first bytes there. */
static int await_start(struct rehearsing *x, struct err *err)
{
	struct mono until = mono_in_ms(RUN_SETUP_MS);

	while (!x->now.sync || !x->now.left) {
		if (mono_before(until, mono_now()))
			return err_set(err, ERR_FAILED,
				       "the rehearsal does not get out of "
				       "setup");
		if (look(x, err) < 0 ||
		    task_sleep_until(mono_in_ms(READ_MS), err) < 0)
			return -1;
	}
	x->sync_at = x->pass_event.us ? x->pass_event : x->now.at;
	return 0;
}

static bool fits(const struct rehearsing *x, double target_s)
{
	return !time_is_over(x, (int)(target_s * 1e3) + FINISH_MS);
}

static int rehearse(struct rehearsing *x, struct err *err)
{
	enum way way = WAY_ON;

	if (await_start(x, err) < 0)
		return -1;
	if (x->out->quiet)
		return look_through(x, err);
	for (size_t n = 0; way != WAY_OVER; n++) {
		double target = n ? rehearse_target_s(n - 1) : 0;

		if (n && !fits(x, target > 0 ? target : 0.1))
			break;
		if (pass(x, target, &way, err) < 0)
			return -1;
		x->zero_then = x->now.zero;
		if (way == WAY_SYNCED && take_point(x) < QUIET_PAGES) {
			x->out->end = "the guest has gone quiet";
			break;
		}
	}
	if (!x->out->passes)
		x->out->end = "not one pass of its memory came to an end in "
			      "the time given";
	return 0;
}

static double sensible_rate(const struct run *r,
			    const struct rehearse_limits *l)
{
	double bps = (double)r->source.facts.ram_bytes /
		     (l->seconds * first_pass_share);

	if (l->rate_bps > 0)
		return l->rate_bps;
	return fmin(fmax(bps, least_bps), most_bps);
}

/* How long the guest is stopped, if at all; ram_undo() continues it. */
static void await_resume(struct rehearsing *x)
{
	struct mono until = mono_in_ms(RESUME_MS);

	take_events(x);
	while (x->stopped && x->r->source.facts.first_status.running &&
	       mono_before(mono_now(), until)) {
		(void)task_sleep_until(mono_in_ms(1), NULL);
		take_events(x);
	}
}

/* Nobody may cut this short. */
static int undo(struct rehearsing *x, struct err *err)
{
	struct run *r = x->r;
	AUTO_ERR struct err e = { 0 };
	int rc = 0;

	task_shield();
	if (r->attempt.migrating && !run_events_source_gone(r))
		(void)qmp_migrate_cancel(r->src.qmp, run_qmp_deadline(), NULL);
	rehearse_sink_close(&x->sink);
	await_resume(x);
	if (ram_undo(r, &e) < 0 || prepare_undo(r, &e) < 0)
		rc = -1;
	if (rc == 0 && x->fd_handed && !run_events_source_gone(r))
		(void)qmp_closefd(r->src.qmp, fd_name, run_qmp_deadline(),
				  NULL);
	task_unshield();
	if (rc < 0) {
		AUTO_FREE char *text = err_text(&e);

		run_leftover(r, "%s", text);
		err_move(err, &e);
	}
	return rc;
}

int rehearse_run(struct run *r, const struct rehearse_limits *limits,
		 struct rehearsal *out, struct err *err)
{
	struct rehearsing x = {
		.r = r,
		.out = out,
		.sink = { .ours = -1, .theirs = -1 },
		.until = mono_in_ms((int64_t)(limits->seconds * 1e3)),
		.rate_bps = sensible_rate(r, limits),
	};
	int rc = prepare(&x, err);

	if (rc == 0)
		rc = begin(&x, err);
	if (rc == 0)
		rc = rehearse(&x, err);
	if (rc < 0)
		err_wrap(err, ERR_NONE, "the rehearsal was ended");
	/* its own failure matters more than what it was to undo */
	if (undo(&x, rc < 0 ? NULL : err) < 0)
		rc = -1;
	return rc;
}
