/* SPDX-License-Identifier: MIT */
/* simulate: a migration without guest and link; the theory is in simulate.h. */
#include "engine/policy/simulate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/policy/history.h"
#include "transport/base/xalloc.h"

/* The engine looks at what is left as often, between two passes. */
static const double look_s = 0.1;

struct simulation {
	const struct policy *policy;
	const struct simulate_guest *guest;
	const struct simulate_link *link;
	struct history history;

	double now_s;
	double left_bytes; /* of what the pass has to copy */
	double pass_at_s, pass_sent;
	double next_look_s, next_window_s;
	double threshold_bytes; /* as of the last window */
	unsigned noise;
	double pace; /* of the link's bandwidth, in this pass */
	bool gave_up;
	struct simulate_outcome *out;
};

static void obey(struct simulation *s, const struct policy_decision *d)
{
	s->history.view.lifted = d->lifted;
	if (d->action == POLICY_GATE)
		s->history.view.gate_ms = d->gate_ms;
	if (d->action == POLICY_THROTTLE)
		s->history.view.throttle = d->throttle;
	if (d->action == POLICY_GIVE_UP)
		s->gave_up = true;
	memcpy(s->out->why, d->why, sizeof(s->out->why));
}

static void ask(struct simulation *s, bool pass_ended)
{
	struct policy_decision d;

	history_ask(&s->history, s->policy, s->now_s, pass_ended, &d);
	obey(s, &d);
}

static void look(struct simulation *s)
{
	history_add_sample(&s->history, s->now_s, (int64_t)s->left_bytes);
	s->next_look_s = s->now_s + look_s;
	ask(s, false);
}

static void add_pass(struct simulation *s, double dirty_bytes)
{
	const struct policy_view *v = &s->history.view;
	struct policy_pass p = {
		.number = (int64_t)v->n_passes + 1,
		.at_s = s->now_s,
		.seconds = s->now_s - s->pass_at_s,
		.sent_bytes = (int64_t)s->pass_sent,
		.copied_bytes = (int64_t)s->pass_sent,
		.left_bytes = (int64_t)s->left_bytes,
		.dirty_bytes = (int64_t)dirty_bytes,
		.throttle = v->throttle,
		.gate_ms = v->gate_ms,
	};

	if (p.seconds > 0)
		p.bandwidth_bps = s->pass_sent / p.seconds;
	history_add_pass(&s->history, &p);
}

/* As good as normal: the sum of twelve even ones. */
static void change_pace(struct simulation *s)
{
	double sum = -6;

	for (int i = 0; i < 12; i++) {
		s->noise = s->noise * 1664525u + 1013904223u;
		sum += (double)(s->noise >> 8) / (1 << 24);
	}
	s->pace = exp(sum * s->link->scatter);
}

/* What is sent meanwhile is counted by the caller. */
static void pass_time(struct simulation *s, double seconds)
{
	s->now_s += seconds;
	s->out->guest_seconds_lost += seconds * s->history.view.throttle;
}

/* What is dirty after a sync: what was left over, and what was written. */
static double dirty_now(const struct simulation *s)
{
	const struct simulate_guest *g = s->guest;
	double d = g->dirtied(g->arg, s->pass_at_s, s->now_s,
			      s->history.view.throttle);
	double ws = g->working_set_bytes, both = 0;

	/* the first pass goes through all of memory, not just through that */
	if (ws > 0 && s->history.view.n_passes)
		both = d * fmin(s->left_bytes / ws, 1);
	return fmin(s->left_bytes + d - both, g->ram_bytes);
}

static void switch_over(struct simulation *s, double dirty)
{
	const struct simulate_link *l = s->link;
	struct simulate_outcome *o = s->out;

	o->switched = true;
	o->blackout_ms = dirty / (l->final_bps * s->pace) * 1e3 + l->fixed_ms;
	o->seconds = s->now_s + o->blackout_ms / 1e3;
	o->bytes += dirty;
	if (s->history.view.throttle > 0)
		snprintf(o->why, sizeof(o->why),
			 "What was left fitted through a gate of %.0f ms after "
			 "pass %zu, the guest throttled by %.0f %%.",
			 s->history.view.gate_ms, s->history.view.n_passes + 1,
			 s->history.view.throttle * 100);
	else
		snprintf(o->why, sizeof(o->why),
			 "What was left fitted through a gate of %.0f ms after "
			 "pass %zu.",
			 s->history.view.gate_ms, s->history.view.n_passes + 1);
}

/* True when QEMU stops the guest. */
static bool sync_bitmap(struct simulation *s, double threshold)
{
	const struct simulate_link *l = s->link;
	double dirty;

	pass_time(s, l->overhead_s);
	dirty = dirty_now(s);
	change_pace(s);
	if (dirty < threshold) {
		switch_over(s, dirty);
		return true;
	}
	add_pass(s, dirty);
	s->left_bytes = dirty;
	s->pass_at_s = s->now_s;
	s->pass_sent = 0;
	ask(s, true);
	return false;
}

/* It is computed anew at the end of each window, from the gate as it is. */
static void end_window(struct simulation *s)
{
	if (s->now_s < s->next_window_s)
		return;
	s->next_window_s = s->now_s + POLICY_WINDOW_S;
	s->threshold_bytes = s->link->bandwidth_bps * s->pace *
			     s->history.view.gate_ms / 1e3;
}

/* One turn of QEMU's loop; true when the guest was stopped. */
static bool turn(struct simulation *s)
{
	double bps = s->link->bandwidth_bps * s->pace;
	double send = fmin(s->left_bytes, bps * POLICY_TURN_S);

	end_window(s);
	if (s->left_bytes < s->threshold_bytes)
		return sync_bitmap(s, s->threshold_bytes);
	/* a turn without a page takes its time all the same */
	pass_time(s, send > 0 ? send / bps : POLICY_TURN_S);
	s->left_bytes -= send;
	s->pass_sent += send;
	s->out->bytes += send;
	if (s->now_s >= s->next_look_s)
		look(s);
	return false;
}

static void begin(struct simulation *s, const struct policy_facts *f)
{
	const struct simulate_guest *g = s->guest;

	history_init(&s->history, f, g->ram_bytes, 0);
	s->history.view.gate_ms = s->policy->first_gate_ms(f);
	s->left_bytes = g->first_bytes > 0 ? g->first_bytes : g->ram_bytes;
	s->noise = s->link->seed;
	change_pace(s);
	s->next_look_s = look_s;
	s->next_window_s = POLICY_WINDOW_S;
	*s->out = (struct simulate_outcome){ .blackout_ms = NAN };
}

void simulate_run(const struct policy *p, const struct policy_facts *f,
		  const struct simulate_guest *g, const struct simulate_link *l,
		  double limit_s, struct simulate_outcome *out)
{
	struct simulation *s = XNEW(struct simulation);

	s->policy = p;
	s->guest = g;
	s->link = l;
	s->out = out;
	begin(s, f);
	while (!s->gave_up && s->now_s < limit_s) {
		if (turn(s))
			break;
	}
	if (!out->switched)
		out->seconds = s->now_s;
	out->passes = (int)s->history.view.n_passes;
	history_fini(&s->history);
	free(s);
}
