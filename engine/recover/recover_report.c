/* SPDX-License-Identifier: MIT */
/* recover_report: what recovery did, added to the recording of the run. */
#include "engine/recover/recover_report.h"

#include <assert.h>

#include "engine/state/recording.h"
#include "qmp/json_fields.h"
#include "engine/state/recording_read.h"
#include "qmp/json.h"
#include "transport/base/xalloc.h"

static const enum outcome outcomes[] = {
	[VERDICT_NOTHING] = OUTCOME_INTERNAL,
	[VERDICT_ABORT] = OUTCOME_FAILED,
	[VERDICT_FORWARD] = OUTCOME_MIGRATED,
	[VERDICT_FINISH] = OUTCOME_MIGRATED,
	[VERDICT_TAKE_BACK] = OUTCOME_FAILED,
	[VERDICT_LOST] = OUTCOME_ENDED,
	[VERDICT_HOLD] = OUTCOME_INTERNAL,
	[VERDICT_PERSON] = OUTCOME_INTERNAL,
	[VERDICT_JOIN] = OUTCOME_INTERNAL,
};
static_assert(ARRAY_SIZE(outcomes) == VERDICTS, "an outcome for each verdict");

enum outcome recover_report_outcome(const struct recovery *done)
{
	if (done->result.error.kind != ERR_NONE)
		return OUTCOME_INTERNAL;
	/* refused on the destination, it went back */
	if (outcomes[done->verdict] == OUTCOME_MIGRATED &&
	    done->result.owner == OWNER_SOURCE)
		return OUTCOME_FAILED;
	return outcomes[done->verdict];
}

static struct json_object *
result_event(const struct run *r, const struct recovery *done, const char *why)
{
	/* borrows all of it */
	struct result result = done->result;
	struct event ev = {
		.kind = EVENT_RESULT,
		.t = wall_now(),
		.mono = mono_now(),
		.run = r->id.name,
		.result = &result,
	};
	struct json_object *o;

	result.outcome = recover_report_outcome(done);
	result.decision = (char *)why;
	o = event_to_json(&ev);
	o = json_add_bool(o, "recovered", true);
	json_fields_text(o, "verdict", verdict_name(done->verdict));
	json_fields_strv(o, "did", &done->did);
	return o;
}

static bool is_same(struct json_object *a, struct json_object *b,
		    const char *key)
{
	struct json_object *x = NULL, *y = NULL;

	(void)json_object_object_get_ex(a, key, &x);
	(void)json_object_object_get_ex(b, key, &y);
	return json_object_equal(x, y);
}

/* A guardian tries for days to remove what is left over. */
static bool is_recorded(const char *state, const char *run,
			struct json_object *result)
{
	struct recording_view v;
	struct json_object *last;
	bool recorded;

	recorded = recording_view_read(state, run, &v) &&
		   recording_is_recovered(&v);
	last = v.last[EVENT_RESULT];
	recorded = recorded && is_same(last, result, "outcome") &&
		   is_same(last, result, "owner") &&
		   is_same(last, result, "leftovers");
	recording_view_free(&v);
	return recorded;
}

void recover_report_write(struct run *r, const struct recovery *done,
			  const char *why)
{
	AUTO_JSON struct json_object *result = NULL;
	AUTO_ERR struct err e = { 0 };
	AUTO_FREE char *line = NULL;
	AUTO_FREE char *text = NULL;

	if (recover_report_outcome(done) == OUTCOME_INTERNAL)
		return;
	result = result_event(r, done, why);
	if (done->result.leftovers.n &&
	    is_recorded(run_state(r), r->id.name, result))
		return;
	line = json_line(result);
	recording_put(r->held.recording, line, false);
	if (recording_append(r->held.recording, run_state(r), &e) == 0)
		return;
	text = err_text(&e);
	run_warn(r, "recording", "what recovery did is not recorded: %s", text);
}
