/* SPDX-License-Identifier: MIT */
/*
 * retry: one more try for a migration that was turned back after its guest had
 * been stopped.
 *
 * What the guest wrote between the last sync and its stop is a matter of luck,
 * so the next time may well fit. It costs a new QEMU on the destination and all
 * of memory again, and the guest a second pause: it is tried once, where the
 * deadline leaves as much time as the first try took, and what the first pause
 * took is off the budget of the second.
 */
#ifndef ENGINE_RUN_RETRY_H
#define ENGINE_RUN_RETRY_H

#include <stdbool.h>

#include "transport/base/err.h"

struct run;

/* Whether another try is worth it; asked before anything is undone. */
bool retry_pays(const struct run *r, const struct err *err);
/*
 * With all from `launch` on undone: @r is as it was before that stage, @err is
 * empty, and the user was informed. False, with @err, where nothing can be
 * begun after all: something is left over, the guest does not run as before,
 * the login to the destination is another, or the user has cancelled meanwhile.
 */
bool retry_begin(struct run *r, struct err *err);
/*
 * @err of a second try that failed before it copied anything becomes what the
 * first one failed of, with the other as its cause.
 */
void retry_explain(const struct run *r, struct err *err);

/*
 * Pure: whether a switchover fits that costs @fixed_ms besides copying (0: not
 * known), when @paused_ms of the budget are gone. Half of it must be left.
 */
bool retry_fits(double budget_ms, double paused_ms, double fixed_ms);

#endif
