/* SPDX-License-Identifier: MIT */
/* run: opens and closes a run, emits its events. */
#include "engine/run/run.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "engine/run/choose_xbzrle.h"
#include "engine/run/guard.h"
#include "engine/run/migrate_options.h"
#include "engine/run/pulse.h"
#include "engine/state/journal.h"
#include "engine/state/recording.h"
#include "qmp/qmp.h"
#include "transport/base/log.h"
#include "transport/base/xalloc.h"
#include "transport/host.h"

const char *run_state(const struct run *r)
{
	return r->opt->state_dir ? r->opt->state_dir : r->src.facts.state_root;
}

/*
 * A recording is begun once a guest was found, and gets a thread before its
 * memory moves: later than the caller gave up rights, so that the thread has
 * them neither.
 */
static int serve_recording(struct run *r, struct err *err)
{
	struct recording *rec = r->held.recording;

	if (r->source.guest.pid && r->src.facts.state_root &&
	    recording_begin(rec, run_state(r), err) < 0)
		return -1;
	if (r->course.phase >= PHASE_TUNNEL && recording_detach(rec, err) < 0)
		return -1;
	return recording_check(rec, err);
}

static void record(struct run *r, const struct event *ev)
{
	AUTO_ERR struct err e = { 0 };
	AUTO_FREE char *text = NULL;

	recording_put(r->held.recording, ev->line, ev->kind == EVENT_SAMPLE);
	if (serve_recording(r, &e) == 0)
		return;
	text = err_text(&e);
	run_warn(r, "recording", "%s", text);
}

void run_emit(struct run *r, struct event *ev)
{
	AUTO_FREE char *line = NULL;

	ev->t = wall_now();
	ev->mono = mono_now();
	ev->run = r->id.name;
	if (r->held.recording)
		line = event_line(ev);
	ev->line = line;
	if (r->opt->sink)
		r->opt->sink(r->opt->sink_arg, ev);
	if (r->held.recording)
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
	run_emit(r, &ev);
}

void run_enter(struct run *r, enum phase to)
{
	struct event ev = {
		.kind = EVENT_PHASE,
		.phase = { .from = r->course.phase, .to = to },
	};

	log_info(NULL, "%s -> %s", phase_name(r->course.phase), phase_name(to));
	r->course.phase = to;
	run_emit(r, &ev);
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

bool run_skips(const struct run *r, const char *name)
{
	const char *const *skip = r->opt->skip_checks;

	for (; skip && *skip; skip++) {
		if (!strcmp(*skip, name))
			return true;
	}
	return false;
}

/* @digits random hexadecimal ones, at most 32. */
static void add_random(char *text, size_t digits)
{
	unsigned char bytes[16];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		abort();
	for (size_t i = 0; i < digits / 2; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

/* A short random name: directories and locks of this run carry it. */
static void make_run_id(struct run_id *id)
{
	strcpy(id->name, "run-");
	add_random(id->name + 4, 12);
	add_random(id->token, 32);
}

void run_open(struct run *r, const struct migrate_options *opt,
	      struct result *result)
{
	*r = (struct run){
		.opt = opt,
		.result = result,
		.started = mono_now(),
		.held.lock_fd = -1,
	};
	make_run_id(&r->id);
	result->run = xstrdup(r->id.name);
	result->guest = xstrdup(opt->guest);
	result->destination = xstrdup(opt->destination);
	result->budget_ms = opt->max_blackout_ms;
}

struct recording *run_take_recording(struct run *r)
{
	return STEAL(r->held.recording);
}

static void side_close(struct run_side *s)
{
	qmp_listener_free(s->events);
	qmp_close(s->rescue);
	qmp_close(s->qmp);
}

static void facts_free(struct run_facts *f)
{
	free(f->machine);
	free(f->blocked);
	qmp_disks_free(&f->disks);
	plugged_free(&f->plugged);
	strv_free(&f->argv);
	strv_free(&f->jobs);
}

void run_close(struct run *r)
{
	choose_xbzrle_end_look(r);
	pulse_end(r);
	attempt_reset(&r->attempt);
	lane_close(&r->lane);
	side_close(&r->dst);
	side_close(&r->src);
	host_close(r->dst.host);
	host_close(r->src.host);
	host_facts_free(&r->src.facts);
	host_facts_free(&r->dst.facts);
	argv_plan_free(&r->dest.plan);
	facts_free(&r->source.facts);
	guest_free(&r->source.guest);
	free(r->source.monitor);
	free(r->source.token_file);
	checks_free(&r->checks);
	close_fd(r->held.lock_fd);
	journal_close(r->held.journal);
	/* it may want the lock at once */
	guard_end(r->held.guard, !r->held.finished     ? GUARD_BEAT
				 : r->course.committed ? GUARD_MOVED
						       : GUARD_DONE);
	free(r->tries.first_failure);
	free(r->held.record_dir);
	free(r->id.key);
	for (size_t i = 0; i < r->dest.n_hands; i++) {
		free(r->dest.hands[i].path);
		free(r->dest.hands[i].id);
	}
	free(r->dest.hands);
	free(r->dest.binary);
	free(r->dest.dir);
	free(r->dest.lock);
	free(r->dest.session);
	free(r->dest.token_file);
}
