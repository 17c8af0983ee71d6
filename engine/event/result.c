/* SPDX-License-Identifier: MIT */
/* result: how a command on a guest ended, for people and programs. */
#include "engine/event/result.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "qmp/json_fields.h"
#include "qmp/json.h"
#include "transport/base/xalloc.h"

static const char *const owner_names[] = {
	[OWNER_SOURCE] = "source",
	[OWNER_DESTINATION] = "destination",
	[OWNER_NONE] = "none",
	[OWNER_UNKNOWN] = "unknown",
};
static_assert(ARRAY_SIZE(owner_names) == OWNERS, "a name for each owner");

const char *owner_name(enum owner o)
{
	assert(o < OWNERS);
	return owner_names[o];
}

void result_init(struct result *r)
{
	*r = (struct result){
		.outcome = OUTCOME_INTERNAL,
		.owner = OWNER_UNKNOWN,
		.owner_pid = -1,
		.total_ms = NAN,
		.blackout_ms = NAN,
		.earlier_pause_ms = NAN,
		.blackout_uncertainty_ms = NAN,
		.qemu_downtime_ms = NAN,
		.switchover_round_trips = -1,
		.budget_ms = NAN,
		.passes = -1,
		.transferred_bytes = -1,
		.tunnel_bytes = -1,
		.disk_bytes = -1,
		.ram_bytes = -1,
		.throughput_bps = NAN,
		.streams = -1,
		.attempts = -1,
		.forecast_total_ms = NAN,
		.forecast_blackout_ms = NAN,
		.forecast_converges = -1,
	};
}

void result_free(struct result *r)
{
	free(r->run);
	free(r->guest);
	free(r->source);
	free(r->destination);
	free(r->transport_why);
	free(r->decision);
	err_reset(&r->error);
	strv_free(&r->leftovers);
	result_init(r);
}

int result_exit_code(const struct result *r)
{
	return exit_code_of(r->outcome, r->leftovers.n > 0);
}

/* --- the last line ------------------------------------------------------- */

static const char *or_else(const char *s, const char *otherwise)
{
	return s ? s : otherwise;
}

static char *where_on(const struct result *r, const char *host)
{
	AUTO_FREE char *pid = NULL;

	if (r->owner_pid > 0)
		pid = xasprintf(" (pid %ld)", (long)r->owner_pid);
	return xasprintf("%s is %s%son %s%s.", r->guest, or_else(r->state, ""),
			 r->state ? " " : "", host, or_else(pid, ""));
}

char *result_where(const struct result *r)
{
	const char *source = or_else(r->source, "the source");
	const char *destination = or_else(r->destination, "the destination");

	if (!r->guest)
		return xstrdup("");
	if (r->outcome == OUTCOME_NO_GUEST)
		return xasprintf("There is no guest %s on %s.", r->guest,
				 source);
	switch (r->owner) {
	case OWNER_SOURCE:
		return where_on(r, source);
	case OWNER_DESTINATION:
		return where_on(r, destination);
	case OWNER_NONE:
		return xasprintf("%s runs nowhere%s.", r->guest,
				 r->outcome == OUTCOME_ENDED
					 ? ": it ended by itself"
					 : "");
	default:
		/* ended before the guest was found: nothing was touched */
		if (r->outcome != OUTCOME_UNDECIDED &&
		    r->outcome != OUTCOME_INTERNAL)
			return xstrdup("");
		return xasprintf("It is not known whether %s runs on %s or "
				 "on %s.",
				 r->guest, source, destination);
	}
}

/* What became of the other side; NULL when there is nothing to say. */
static const char *aftermath(const struct result *r)
{
	if (r->owner == OWNER_UNKNOWN)
		return NULL;
	switch (r->outcome) {
	case OUTCOME_MIGRATED:
		return "Source stopped.";
	case OUTCOME_FAILED:
	case OUTCOME_UNCONVERGED:
	case OUTCOME_CANCELLED:
		return "Everything was undone.";
	default:
		return NULL;
	}
}

char *result_last_line(const struct result *r)
{
	AUTO_FREE char *where = result_where(r);
	AUTO_STRV struct strv parts = { 0 };

	if (outcome_is_unchanged(r->outcome))
		strv_push(&parts, "Nothing was changed.");
	else if (r->outcome == OUTCOME_UNDECIDED)
		strv_push(&parts, "Nothing was started or killed.");
	else if (!*where)
		strv_push(&parts, "No guest was touched.");
	if (*where)
		strv_push(&parts, where);
	if (r->leftovers.n) {
		AUTO_FREE char *all = strv_join(&r->leftovers, "; ");

		strv_pushf(&parts, "Left to clean up: %s.", all);
	} else if (*where && aftermath(r)) {
		strv_push(&parts, aftermath(r));
	}
	return strv_join(&parts, " ");
}

/* --- JSON ---------------------------------------------------------------- */

struct json_object *result_error_to_json(const struct err *err)
{
	AUTO_STRV struct strv causes = { 0 };
	struct json_object *o;

	if (err->kind == ERR_NONE)
		return NULL;
	for (const struct err *e = err->cause; e; e = e->cause)
		strv_push(&causes, or_else(e->message, ""));
	o = json_new();
	json_fields_text(o, "kind", err_kind_name(err->kind));
	json_fields_text(o, "message", err->message);
	json_fields_text(o, "host", err_host_of(err));
	json_fields_strv(o, "cause", &causes);
	json_fields_text(o, "hint", err_hint_of(err));
	return o;
}

static struct json_object *forecast_to_json(const struct result *r)
{
	struct json_object *o = json_new();

	json_add_num(o, "total_ms", r->forecast_total_ms, 1);
	json_add_num(o, "blackout_ms", r->forecast_blackout_ms, 3);
	if (r->forecast_converges < 0)
		json_add_sub(o, "converges", NULL);
	else
		json_add_bool(o, "converges", r->forecast_converges);
	return o;
}

static void add_numbers(struct json_object *o, const struct result *r)
{
	json_add_num(o, "total_ms", r->total_ms, 1);
	json_add_num(o, "blackout_ms", r->blackout_ms, 3);
	json_add_num(o, "earlier_pause_ms", r->earlier_pause_ms, 3);
	json_add_num(o, "blackout_uncertainty_ms", r->blackout_uncertainty_ms,
		     3);
	json_add_num(o, "qemu_downtime_ms", r->qemu_downtime_ms, 3);
	json_fields_count(o, "switchover_round_trips",
			  r->switchover_round_trips);
	json_add_num(o, "budget_ms", r->budget_ms, 3);
	json_fields_count(o, "passes", r->passes);
	json_fields_count(o, "transferred_bytes", r->transferred_bytes);
	json_fields_count(o, "tunnel_bytes", r->tunnel_bytes);
	json_fields_count(o, "disk_bytes", r->disk_bytes);
	json_fields_count(o, "ram_bytes", r->ram_bytes);
	json_add_num(o, "throughput_bps", r->throughput_bps, 0);
	json_fields_count(o, "streams", r->streams);
	json_fields_count(o, "attempts", r->attempts);
}

struct json_object *result_to_json(const struct result *r)
{
	struct json_object *o = json_new();

	json_fields_text(o, "outcome", outcome_name(r->outcome));
	json_add_i64(o, "exit_code", result_exit_code(r));
	json_fields_text(o, "run", r->run);
	json_fields_text(o, "guest", r->guest);
	json_fields_text(o, "source", r->source);
	json_fields_text(o, "destination", r->destination);
	json_fields_text(o, "owner", owner_name(r->owner));
	json_fields_count(o, "owner_pid", r->owner_pid);
	json_fields_text(o, "state", r->state);
	add_numbers(o, r);
	json_fields_text(o, "transport", r->transport);
	json_fields_text(o, "state_storage", r->state_storage);
	json_fields_text(o, "transport_why", r->transport_why);
	json_fields_text(o, "decision", r->decision);
	json_add_sub(o, "forecast", forecast_to_json(r));
	json_add_sub(o, "error", result_error_to_json(&r->error));
	json_fields_strv(o, "leftovers", &r->leftovers);
	return o;
}
