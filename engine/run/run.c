/* SPDX-License-Identifier: MIT */
/* run: telling, and what several stages need. */
#include "engine/run/run.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "engine/state/recording.h"
#include "engine/state/state_dir.h"
#include "qmp/json.h"
#include "transport/base/log.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

enum { GONE_TRIES = 20, GONE_RETRY_MS = 50, MOST_RATIO = 8 };

/* A gate that is out by less is left. */
#define NEAR_PART 0.1

const char *run_state(const struct run *r)
{
	return r->opt->state_dir ? r->opt->state_dir : r->src_facts.state_root;
}

/*
 * A recording is begun once a guest was found, and gets a thread before its
 * memory moves: later than the caller gave up rights, so that the thread has
 * them neither.
 */
static int serve_recording(struct run *r, struct err *err)
{
	struct recording *rec = r->recording;

	if (r->guest.pid && r->src_facts.state_root) {
		AUTO_FREE char *dir = state_dir_recordings(run_state(r));

		if (recording_begin(rec, dir, err) < 0)
			return -1;
	}
	if (r->phase >= PHASE_TUNNEL && recording_detach(rec, err) < 0)
		return -1;
	return recording_check(rec, err);
}

static void record(struct run *r, const struct event *ev)
{
	AUTO_ERR struct err e = { 0 };
	AUTO_FREE char *text = NULL;

	recording_put(r->recording, ev->line, ev->kind == EVENT_SAMPLE);
	if (serve_recording(r, &e) == 0)
		return;
	text = err_text(&e);
	run_warn(r, "recording", "%s", text);
}

void run_tell(struct run *r, struct event *ev)
{
	AUTO_FREE char *line = NULL;

	ev->t = wall_now();
	ev->mono = mono_now();
	ev->run = r->id;
	if (r->recording)
		line = event_line(ev);
	ev->line = line;
	if (r->opt->sink)
		r->opt->sink(r->opt->sink_arg, ev);
	if (r->recording)
		record(r, ev);
	ev->line = NULL;
}

void run_warn(struct run *r, const char *name, const char *fmt, ...)
{
	AUTO_FREE char *text = NULL;
	struct event ev = { .kind = EVENT_WARNING };
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	ev.warning.name = name;
	ev.warning.text = text;
	run_tell(r, &ev);
}

void run_enter(struct run *r, enum phase to)
{
	struct event ev = {
		.kind = EVENT_PHASE,
		.phase = { .from = r->phase, .to = to },
	};

	log_info(NULL, "%s -> %s", phase_name(r->phase), phase_name(to));
	r->phase = to;
	run_tell(r, &ev);
}

void run_leftover(struct run *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strv_take(&r->result->leftovers, xvasprintf(fmt, ap));
	va_end(ap);
}

struct mono run_qmp_deadline(void)
{
	return mono_in_ms(RUN_QMP_MS);
}

static const char *event_status(const struct qmp_event *ev)
{
	const char *status = "";

	if (ev->data)
		(void)json_opt_str((struct json_at){ ev->data, ev->name },
				   "status", &status, NULL);
	return status;
}

static void source_event(struct run *r, const struct qmp_event *ev)
{
	if (!strcmp(ev->name, "STOP") && !r->stop_seen) {
		r->stop_seen = true;
		r->stop_at = ev->received;
		r->stopped = ev->stamp;
		r->sync_age_ms = mono_diff_ms(ev->received, r->synced_at);
	} else if (!strcmp(ev->name, "MIGRATION_PASS")) {
		r->synced = ev->stamp;
		r->synced_at = ev->received;
	} else if (!strcmp(ev->name, "RESUME") && !r->committed) {
		/* that of a switch: nobody else's pause is ours to count */
		if (r->stop_seen && r->pre_switchover_seen)
			r->paused_ms += mono_diff_ms(ev->received, r->stop_at);
		r->stop_seen = false;
		r->pre_switchover_seen = false;
		/* somebody's `cont` holds on the destination, too */
		r->facts.first_status.running = true;
	} else if (!strcmp(ev->name, "SHUTDOWN")) {
		r->src_ended = true;
	} else if (!strcmp(ev->name, "GUEST_PANICKED")) {
		log_warn("source", "the guest panicked");
	} else if (!strcmp(ev->name, "MIGRATION")) {
		enum migration_status s =
			migration_status_parse(event_status(ev));

		r->src_status = s;
		if (s == MIGRATION_PRE_SWITCHOVER) {
			r->pre_switchover_seen = true;
			r->pre_switchover_at = ev->received;
		} else if (s == MIGRATION_COMPLETED) {
			r->completed_at = ev->received;
		}
	}
}

static void destination_event(struct run *r, const struct qmp_event *ev)
{
	if (!strcmp(ev->name, "RESUME") && !r->resume_seen) {
		r->resume_seen = true;
		r->resume_at = ev->received;
	} else if (!strcmp(ev->name, "MIGRATION")) {
		r->dst_status = migration_status_parse(event_status(ev));
	}
}

bool run_take_events(struct run *r)
{
	struct qmp_event *ev;
	bool any = false;

	while (r->src.events && (ev = qmp_listener_take(r->src.events))) {
		source_event(r, ev);
		qmp_event_free(ev);
		any = true;
	}
	while (r->dst.events && (ev = qmp_listener_take(r->dst.events))) {
		destination_event(r, ev);
		qmp_event_free(ev);
		any = true;
	}
	return any;
}

int run_await(struct run *r, int ms, struct err *err)
{
	AUTO_ERR struct err e = { 0 };

	/* what came while something else was waited for woke nobody */
	if (run_take_events(r))
		return 0;
	if (task_wait_queue(&r->wake, mono_in_ms(ms), &e) == 0 ||
	    e.kind == ERR_TIMEOUT)
		return 0;
	err_move(err, &e);
	return -1;
}

int run_guest_alive(struct run *r, struct err *err)
{
	AUTO_ERR struct err e = { 0 };
	int alive;

	if (!r->src_ended && qmp_check(r->src.qmp, &e) == 0)
		return 0;
	alive = discover_alive(r->src_host, r->guest.pid, r->guest.start_ticks,
			       mono_in_ms(RUN_QMP_MS), NULL);
	if (alive == 0)
		return err_set(err, ERR_ENDED,
			       "QEMU of %s ended on the source while it was "
			       "being migrated",
			       guest_label(&r->guest));
	if (r->src_ended)
		return err_set(err, ERR_ENDED,
			       "%s shut down while it was being migrated",
			       guest_label(&r->guest));
	err_move(err, &e);
	return err_wrap(err, ERR_FAILED,
			"the source's monitor failed while %s still exists "
			"as process %d",
			guest_label(&r->guest), (int)r->guest.pid);
}

bool run_source_gone(struct run *r)
{
	/* a guest that powers off is seen a moment before its QEMU is gone */
	for (int i = 0; i < GONE_TRIES; i++) {
		if (!r->src_ended && r->src.qmp &&
		    qmp_check(r->src.qmp, NULL) == 0)
			return false;
		if (discover_alive(r->src_host, r->guest.pid,
				   r->guest.start_ticks, run_qmp_deadline(),
				   NULL) == 0)
			return true;
		if (task_sleep_until(mono_in_ms(GONE_RETRY_MS), NULL) < 0)
			return false;
	}
	return false;
}

static bool is_near(double a, double b)
{
	return a == b || fabs(a / b - 1) < NEAR_PART;
}

/*
 * With xbzrle a byte of the stream is many of memory. A pass may find worse
 * pages than the last did: that is why there is an end to it.
 */
static double limit_ms(double ms, double ratio)
{
	return fmin(floor(ms * fmin(fmax(ratio, 1), MOST_RATIO)),
		    POLICY_WIDE_MS);
}

int run_set_gate(struct run *r, double ms, double bps, double ratio,
		 struct err *err)
{
	bool told = json_has((struct json_at){ r->src.params, "parameters" },
			     "avail-switchover-bandwidth");
	double limit = told && bps > 0 ? ms : limit_ms(ms, ratio);
	struct json_object *params;

	if (!told)
		bps = 0;
	if (ms == r->downtime_limit_ms && is_near(limit, r->gate_limit_ms) &&
	    is_near(bps, r->gate_bps))
		return 0;
	params = json_add_u64(json_new(), "downtime-limit", (uint64_t)limit);
	if (told)
		params = json_add_u64(params, "avail-switchover-bandwidth",
				      (uint64_t)bps);
	r->src.params_changed = true;
	if (qmp_migrate_set_parameters(r->src.qmp, params, run_qmp_deadline(),
				       err) < 0)
		return err_wrap(err, ERR_NONE, "cannot set downtime-limit");
	r->downtime_limit_ms = ms;
	r->gate_limit_ms = limit;
	r->gate_bps = bps;
	return 0;
}

bool run_skips(const struct run *r, const char *name)
{
	const char *const *skip = r->opt->skip_checks;

	for (; skip && *skip; skip++) {
		if (!strcmp(*skip, name))
			return true;
	}
	return false;
}
