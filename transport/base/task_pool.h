/* SPDX-License-Identifier: MIT */
/*
 * task_pool: does the same thing to many, several at a time.
 */
#ifndef TRANSPORT_BASE_TASK_POOL_H
#define TRANSPORT_BASE_TASK_POOL_H

#include <stddef.h>

#include "transport/base/err.h"

/*
 * Runs @fn(@arg, i) for every i below @n, each in a task, at most @width at
 * once, and returns when all have ended. When the calling task is cancelled,
 * the running ones are, too, the others are not begun, and it returns -1 with
 * ERR_CANCELLED. Only for tasks.
 */
int task_pool_run(size_t n, size_t width, void (*fn)(void *arg, size_t i),
		  void *arg, struct err *err);

#endif
