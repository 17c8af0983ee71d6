/* SPDX-License-Identifier: MIT */
/*
 * event: one JSON object an event. A row of the table names the kind and
 * writes its own fields; the common ones come first.
 */
#include "engine/event/event.h"

#include <assert.h>

#include "qmp/json_fields.h"
#include "qmp/json.h"
#include "transport/base/xalloc.h"

enum { EVENT_VERSION = 1 };

static const char *const phase_names[] = {
	[PHASE_CONNECT] = "connect",	 [PHASE_DISCOVER] = "discover",
	[PHASE_PREFLIGHT] = "preflight", [PHASE_LAUNCH] = "launch",
	[PHASE_STORAGE] = "storage",	 [PHASE_TUNNEL] = "tunnel",
	[PHASE_PRECOPY] = "precopy",	 [PHASE_SWITCHOVER] = "switchover",
	[PHASE_FINISH] = "finish",	 [PHASE_ROLLBACK] = "rollback",
};
static_assert(ARRAY_SIZE(phase_names) == PHASES, "a name for each phase");

const char *phase_name(enum phase phase)
{
	assert(phase < PHASES);
	return phase_names[phase];
}

/* Moves the members of @from, but those that @o has, into @o. */
static void merge(struct json_object *o, struct json_object *from)
{
	json_object_object_foreach(from, key, value)
	{
		if (!json_object_object_get_ex(o, key, NULL))
			json_add_sub(o, key, json_object_get(value));
	}
	json_object_put(from);
}

static void run_start_fields(struct json_object *o, const struct event *ev)
{
	const struct event_run_start *s = &ev->run_start;

	json_fields_text(o, "guest", s->guest);
	json_fields_text(o, "source", s->source);
	json_fields_text(o, "destination", s->destination);
	json_add_num(o, "max_blackout_ms", s->max_blackout_ms, 3);
	json_add_num(o, "deadline_s", s->deadline_s, 3);
	json_add_num(o, "bandwidth_bps", s->bandwidth_bps, 0);
	json_fields_text(o, "policy", s->policy);
	json_fields_text(o, "transport", s->transport);
}

static void facts_fields(struct json_object *o, const struct event *ev)
{
	const struct event_facts *f = &ev->facts;

	json_fields_text(o, "source_qemu", f->source_qemu);
	json_fields_text(o, "destination_qemu", f->destination_qemu);
	json_fields_strv(o, "source_argv", f->source_argv);
	json_fields_strv(o, "destination_argv", f->destination_argv);
	json_fields_text(o, "guest", f->guest);
	json_fields_text(o, "uuid", f->uuid);
	json_add_u64(o, "uid", f->uid);
	json_fields_text(o, "machine", f->machine);
	json_add_u64(o, "ram_bytes", f->ram_bytes);
	json_add_u64(o, "vcpus", f->vcpus);
	json_add_bool(o, "kvm", f->kvm);
	json_fields_text(o, "login", f->login);
	json_add_num(o, "link_bps", f->link_bps, 0);
	json_add_u64(o, "lessons", f->lessons);
}

static void check_fields(struct json_object *o, const struct event *ev)
{
	merge(o, check_to_json(ev->check));
}

static void phase_fields(struct json_object *o, const struct event *ev)
{
	json_fields_text(o, "from", phase_name(ev->phase.from));
	json_fields_text(o, "to", phase_name(ev->phase.to));
}

static void sample_fields(struct json_object *o, const struct event *ev)
{
	const struct event_sample *s = &ev->sample;

	json_fields_text(o, "status", s->status);
	json_fields_count(o, "pass", s->pass);
	json_fields_count(o, "remaining_bytes", s->remaining_bytes);
	json_fields_count(o, "transferred_bytes", s->transferred_bytes);
	json_fields_count(o, "total_bytes", s->total_bytes);
	json_add_num(o, "bandwidth_bps", s->bandwidth_bps, 0);
	json_add_num(o, "dirty_bps", s->dirty_bps, 0);
	json_fields_count(o, "tunnel_bytes", s->tunnel_bytes);
	json_add_num(o, "downtime_limit_ms", s->downtime_limit_ms, 3);
	json_fields_count(o, "throttle_percent", s->throttle_percent);
	json_add_num(o, "elapsed_ms", s->elapsed_ms, 3);
}

static void pass_fields(struct json_object *o, const struct event *ev)
{
	const struct event_pass *p = &ev->pass;

	json_fields_count(o, "number", p->number);
	json_add_num(o, "seconds", p->seconds, 6);
	json_fields_count(o, "sent_bytes", p->sent_bytes);
	json_fields_count(o, "remaining_bytes", p->remaining_bytes);
	json_fields_count(o, "dirtied_bytes", p->dirtied_bytes);
	json_add_num(o, "bandwidth_bps", p->bandwidth_bps, 0);
	json_add_num(o, "predicted_blackout_ms", p->predicted_blackout_ms, 3);
	json_add_num(o, "p_converge", p->p_converge, 4);
	json_add_num(o, "eta_p50_s", p->eta_p50_s, 3);
	json_add_num(o, "eta_p90_s", p->eta_p90_s, 3);
	json_add_num(o, "forecast_total_ms", p->forecast_total_ms, 1);
	json_add_num(o, "forecast_blackout_ms", p->forecast_blackout_ms, 3);
	json_fields_text(o, "why", p->why);
}

static void decision_fields(struct json_object *o, const struct event *ev)
{
	json_fields_text(o, "action", ev->decision.action);
	json_fields_text(o, "why", ev->decision.why);
	json_add_num(o, "downtime_limit_ms", ev->decision.downtime_limit_ms, 3);
}

static void warning_fields(struct json_object *o, const struct event *ev)
{
	json_fields_text(o, "name", ev->warning.name);
	json_fields_text(o, "text", ev->warning.text);
}

static void switchover_fields(struct json_object *o, const struct event *ev)
{
	const struct event_switchover *s = &ev->switchover;

	json_add_num(o, "pre_switchover_ms", s->pre_switchover_ms, 3);
	json_add_num(o, "completed_ms", s->completed_ms, 3);
	json_add_num(o, "cont_sent_ms", s->cont_sent_ms, 3);
	json_add_num(o, "resume_ms", s->resume_ms, 3);
	json_add_num(o, "blackout_ms", s->blackout_ms, 3);
	json_add_num(o, "blackout_uncertainty_ms", s->blackout_uncertainty_ms,
		     3);
	json_add_num(o, "qemu_downtime_ms", s->qemu_downtime_ms, 3);
}

static void result_fields(struct json_object *o, const struct event *ev)
{
	merge(o, result_to_json(ev->result));
}

static const struct {
	const char *name;
	void (*fields)(struct json_object *o, const struct event *ev);
} kinds[] = {
	[EVENT_RUN_START] = { "run-start", run_start_fields },
	[EVENT_FACTS] = { "facts", facts_fields },
	[EVENT_CHECK] = { "check", check_fields },
	[EVENT_PHASE] = { "phase", phase_fields },
	[EVENT_SAMPLE] = { "sample", sample_fields },
	[EVENT_PASS] = { "pass", pass_fields },
	[EVENT_DECISION] = { "decision", decision_fields },
	[EVENT_WARNING] = { "warning", warning_fields },
	[EVENT_SWITCHOVER] = { "switchover", switchover_fields },
	[EVENT_RESULT] = { "result", result_fields },
};
static_assert(ARRAY_SIZE(kinds) == EVENT_KINDS, "a row for each kind");

const char *event_kind_name(enum event_kind kind)
{
	assert(kind < EVENT_KINDS);
	return kinds[kind].name;
}

struct json_object *event_to_json(const struct event *ev)
{
	struct json_object *o = json_new();

	json_add_i64(o, "v", EVENT_VERSION);
	json_add_num(o, "t", (double)ev->t.us / 1e6, 6);
	json_add_num(o, "mono_ms", (double)ev->mono.us / 1e3, 3);
	json_fields_text(o, "run", ev->run);
	json_fields_text(o, "event", event_kind_name(ev->kind));
	kinds[ev->kind].fields(o, ev);
	return o;
}

char *event_line(const struct event *ev)
{
	AUTO_JSON struct json_object *o = NULL;

	if (ev->line)
		return xstrdup(ev->line);
	o = event_to_json(ev);
	return json_line(o);
}
