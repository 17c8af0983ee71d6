/* SPDX-License-Identifier: MIT */
/* stage: the table of a live migration and its runner; theory in stage.h. */
#include "engine/run/stage.h"

#include "engine/run/connect.h"
#include "engine/run/finish.h"
#include "engine/run/launch.h"
#include "engine/run/lock.h"
#include "engine/run/precopy.h"
#include "engine/run/preflight.h"
#include "engine/run/prepare.h"
#include "engine/run/queue.h"
#include "engine/run/ram.h"
#include "engine/run/run_journal.h"
#include "engine/run/retry.h"
#include "engine/run/run.h"
#include "engine/run/setup.h"
#include "engine/run/switchover.h"
#include "engine/run/unit_hold.h"
#include "engine/state/journal.h"
#include "transport/base/fault.h"
#include "transport/base/log.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"

/*
 * Journal records of the stages below. A stage that has none before it changes
 * nothing that a recovery would have to undo.
 */
#define END JOURNAL_RECORDS
static const enum journal_record prep[] = { JOURNAL_PREP, END };
static const enum journal_record dest[] = { JOURNAL_DEST, END };
/* an idle guest may reach the switchover at once, so SWITCH comes with it */
static const enum journal_record migrate[] = { JOURNAL_MIGRATE, JOURNAL_SWITCH,
					       END };

const struct stage stage_table[] = {
	{ .name = "queue", .phase = PHASE_CONNECT, .run = queue_run },
	{ .name = "connect", .phase = PHASE_CONNECT, .run = connect_run },
	{ .name = "discover",
	  .phase = PHASE_DISCOVER,
	  .run = connect_discover },
	{ .name = "preflight", .phase = PHASE_PREFLIGHT, .run = preflight_run },
	{ .name = "lock",
	  .phase = PHASE_LAUNCH,
	  .run = lock_take,
	  .undo = lock_release,
	  .changes = true },
	{ .name = "journal",
	  .phase = PHASE_LAUNCH,
	  .run = run_journal_begin,
	  .undo = run_journal_end },
	{ .name = "unit-hold",
	  .phase = PHASE_LAUNCH,
	  .run = unit_hold_run,
	  .undo = unit_hold_undo },
	{ .name = "guard", .phase = PHASE_LAUNCH, .run = setup_guard },
	{ .name = "launch",
	  .phase = PHASE_LAUNCH,
	  .before = prep,
	  .run = launch_run,
	  .observe = launch_observe,
	  .undo = launch_undo,
	  .after = dest,
	  .again = true },
	{ .name = "prepare",
	  .phase = PHASE_TUNNEL,
	  .run = prepare_run,
	  .undo = prepare_undo },
	{ .name = "tunnel",
	  .phase = PHASE_TUNNEL,
	  .run = ram_open_tunnel,
	  .undo = ram_close_tunnel },
	{ .name = "start",
	  .phase = PHASE_PRECOPY,
	  .before = migrate,
	  .run = ram_start,
	  .observe = ram_started,
	  .undo = ram_undo },
	{ .name = "precopy", .phase = PHASE_PRECOPY, .run = precopy_run },
	{ .name = "switch", .phase = PHASE_SWITCHOVER, .run = switchover_run },
	/* writes COMMIT itself: nobody may cancel between the two */
	{ .name = "commit",
	  .phase = PHASE_SWITCHOVER,
	  .run = switchover_commit },
	{ .name = "resume",
	  .phase = PHASE_SWITCHOVER,
	  .run = switchover_resume,
	  .no_return = true },
	{ .name = "finish",
	  .phase = PHASE_FINISH,
	  .run = finish_run,
	  .no_return = true },
};
const unsigned int stage_count = ARRAY_SIZE(stage_table);

unsigned int stage_first_change(void)
{
	unsigned int i = 0;

	while (!stage_table[i].changes)
		i++;
	return i;
}

unsigned int stage_first_again(void)
{
	unsigned int i = 0;

	while (!stage_table[i].again)
		i++;
	return i;
}

static int write_all(struct run *r, const enum journal_record *records,
		     struct err *err)
{
	for (; records && *records != END; records++) {
		if (run_journal_write(r, *records, err) < 0)
			return -1;
	}
	return 0;
}

static int forward(struct run *r, const struct stage *s, struct err *err)
{
	if (r->course.phase != s->phase)
		run_enter(r, s->phase);
	log_debug(NULL, "stage %s", s->name);
	if (write_all(r, s->before, err) < 0 ||
	    fault_stage(s->name, "before", err) < 0 || s->run(r, err) < 0)
		return -1;
	if (s->observe && s->observe(r, err) < 0)
		return -1;
	if (fault_stage(s->name, "after", err) < 0)
		return -1;
	return write_all(r, s->after, err);
}

/* What was begun of the stages from @until on, the last first. */
static void undo(struct run *r, unsigned int begun, unsigned int until)
{
	while (begun-- > until) {
		const struct stage *s = &stage_table[begun];
		AUTO_ERR struct err e = { 0 };
		AUTO_FREE char *text = NULL;

		if (fault_stage(s->name, "undo", &e) == 0 &&
		    (!s->undo || s->undo(r, &e) == 0))
			continue;
		text = err_text(&e);
		log_warn(NULL, "undo of %s: %s", s->name, text);
		run_leftover(r, "%s", text);
	}
}

/*
 * Undoes all @begun stages; or, where it is worth another try, those from
 * `launch` on. Returns how many are in effect then.
 */
static unsigned int backward(struct run *r, unsigned int begun, struct err *err)
{
	bool again = retry_pays(r, err);

	task_shield();
	r->course.failed_in = r->course.phase;
	run_enter(r, PHASE_ROLLBACK);
	run_journal_note(r, JOURNAL_ABORTING);
	if (again) {
		undo(r, begun, stage_first_again());
		begun = stage_first_again();
		again = retry_begin(r, err);
	}
	if (!again) {
		undo(r, begun, 0);
		begun = 0;
	}
	task_unshield();
	return begun;
}

int stage_run(struct run *r, unsigned int end, struct err *err)
{
	for (unsigned int i = 0; i < end; i++) {
		const struct stage *s = &stage_table[i];

		if (s->no_return && !r->course.shielded) {
			task_shield();
			r->course.shielded = true;
		}
		if (forward(r, s, err) == 0)
			continue;
		if (r->course.committed || i < stage_first_change())
			return -1;
		i = backward(r, i + 1, err);
		if (!i)
			return -1;
		i--;
	}
	return 0;
}
