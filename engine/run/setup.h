/* SPDX-License-Identifier: MIT */
/* setup: the guardian, and the caller's own limits, before anything changes. */
#ifndef ENGINE_RUN_SETUP_H
#define ENGINE_RUN_SETUP_H

#include "transport/base/err.h"

struct run;

/*
 * A stage: starts the guardian if there is to be one, and reports to the caller
 * that all is set up (migrate_options.set_up).
 */
int setup_guard(struct run *r, struct err *err);

#endif
