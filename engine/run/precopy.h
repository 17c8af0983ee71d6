/* SPDX-License-Identifier: MIT */
/*
 * precopy: watches QEMU's passes and asks the policy, up to pre-switchover.
 */
#ifndef ENGINE_RUN_PRECOPY_H
#define ENGINE_RUN_PRECOPY_H

#include "transport/base/err.h"

struct run;

/* A stage; 0 when the guest is stopped at pre-switchover. */
int precopy_run(struct run *r, struct err *err);
/* Fills @err with why QEMU's migration failed, in the best words there are. */
int precopy_explain_failure(struct run *r, struct err *err);

#endif
