/* SPDX-License-Identifier: MIT */
/*
 * recover_report: what recovery did, added to the recording of the run.
 */
#ifndef ENGINE_RECOVER_RECOVER_REPORT_H
#define ENGINE_RECOVER_RECOVER_REPORT_H

#include "engine/recover/recovery.h"
#include "engine/run/run.h"

/*
 * Adds to the run's recording what was put into r->held.recording (made by
 * recording_new_addition()) and a result: that of the engine's own kind, with
 * the members `recovered` (true), `verdict`, `did`; @why becomes its decision.
 * Only where @done says what became of the guest: a recovery that was held or
 * failed adds nothing, nor does one that says what was said before. A failure
 * is a warning of @r. To be called from a task.
 */
void recover_report_write(struct run *r, const struct recovery *done,
			  const char *why);

/* --- pure, for tests ------------------------------------------------------ */

/* What it means for the guest; OUTCOME_INTERNAL: it is not decided. */
enum outcome recover_report_outcome(const struct recovery *done);

#endif
