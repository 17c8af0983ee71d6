/* SPDX-License-Identifier: MIT */
/*
 * observe: what QEMU on one side of a run says of the guest, in the words of
 * verdict.h. That it lives is known; SIDE_UNKNOWN when it does not answer.
 */
#ifndef ENGINE_RECOVER_OBSERVE_H
#define ENGINE_RECOVER_OBSERVE_H

#include "engine/state/verdict.h"
#include "qmp/qmp.h"
#include "qmp/qmp_migrate.h"

/* *m: its migration's status, unless SIDE_UNKNOWN. */
enum side_state observe_source(struct qmp *q, enum migration_status *m);
enum side_state observe_destination(struct qmp *q);
/*
 * The same of a destination that still loads: until it does not any more, or
 * until @deadline.
 */
enum side_state observe_loading(struct qmp *q, struct mono deadline);

#endif
