/* SPDX-License-Identifier: MIT */
/*
 * finish: the guest runs on the destination; the source ends, names move.
 */
#ifndef ENGINE_RUN_FINISH_H
#define ENGINE_RUN_FINISH_H

#include "transport/base/err.h"

struct run;

/*
 * A stage. What cannot be done is left over; -1 with ERR_ENDED when the guest
 * ended on the destination meanwhile.
 */
int finish_run(struct run *r, struct err *err);

#endif
