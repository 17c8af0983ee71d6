/* SPDX-License-Identifier: MIT */
/* stage: the table of a live migration and its runner; theory in stage.h. */
#include "engine/stage.h"

#include "engine/run.h"
#include "transport/base/log.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

const struct stage stage_table[] = {
	{ "connect", PHASE_CONNECT, run_connect, NULL, NULL, false },
	{ "discover", PHASE_DISCOVER, run_discover, NULL, NULL, false },
	{ "preflight", PHASE_PREFLIGHT, run_preflight, NULL, NULL, false },
	{ "lock", PHASE_LAUNCH, run_lock, NULL, run_unlock, false },
	{ "launch", PHASE_LAUNCH, run_launch, run_launched, run_unlaunch,
	  false },
	{ "prepare", PHASE_TUNNEL, run_prepare, NULL, run_unprepare, false },
	{ "tunnel", PHASE_TUNNEL, run_open_tunnel, NULL, run_close_tunnel,
	  false },
	{ "start", PHASE_PRECOPY, run_start, run_started, run_unstart, false },
	{ "precopy", PHASE_PRECOPY, run_precopy, NULL, NULL, false },
	{ "switch", PHASE_SWITCHOVER, run_switch, NULL, NULL, false },
	{ "commit", PHASE_SWITCHOVER, run_commit, NULL, NULL, false },
	{ "resume", PHASE_SWITCHOVER, run_resume, NULL, NULL, true },
	{ "finish", PHASE_FINISH, run_finish, NULL, NULL, true },
};
const unsigned int stage_count = ARRAY_SIZE(stage_table);
const unsigned int stage_preflight = 3;

static int forward(struct run *r, const struct stage *s, struct err *err)
{
	if (r->phase != s->phase)
		run_enter(r, s->phase);
	log_debug(NULL, "stage %s", s->name);
	if (s->run(r, err) < 0)
		return -1;
	if (s->observe && s->observe(r, err) < 0)
		return -1;
	return 0;
}

static void backward(struct run *r, unsigned int begun)
{
	task_shield();
	run_enter(r, PHASE_ROLLBACK);
	while (begun--) {
		const struct stage *s = &stage_table[begun];
		AUTO_ERR struct err e = { 0 };
		AUTO_FREE char *text = NULL;

		if (!s->undo || s->undo(r, &e) == 0)
			continue;
		text = err_text(&e);
		log_warn(NULL, "undo of %s: %s", s->name, text);
		run_leftover(r, "%s", text);
	}
	task_unshield();
}

int stage_run(struct run *r, unsigned int end, struct err *err)
{
	for (unsigned int i = 0; i < end; i++) {
		const struct stage *s = &stage_table[i];

		if (s->no_return && !r->shielded) {
			task_shield();
			r->shielded = true;
		}
		if (forward(r, s, err) == 0)
			continue;
		if (!r->committed && i >= stage_preflight)
			backward(r, i + 1);
		return -1;
	}
	return 0;
}
