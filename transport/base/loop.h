/* SPDX-License-Identifier: MIT */
/*
 * loop: one thread's event loop, which runs tasks (task.h).
 *
 * It can be embedded in another loop: poll loop_fd() for POLLIN with
 * loop_timeout_ms(), then call loop_dispatch(), which never blocks.
 */
#ifndef TRANSPORT_BASE_LOOP_H
#define TRANSPORT_BASE_LOOP_H

#include "transport/base/clock.h"
#include "transport/base/err.h"

struct loop;

struct loop *loop_new(struct err *err);
/* All tasks must have ended. NULL is fine. */
void loop_free(struct loop *loop);

int loop_fd(const struct loop *loop);
/* Milliseconds until loop_dispatch() has work by itself; -1: never. */
int loop_timeout_ms(const struct loop *loop);
/* Runs every task that can go on now. */
void loop_dispatch(struct loop *loop);
/* Runs @fn(@arg) as a task and dispatches until it has ended. */
void loop_run(struct loop *loop, void (*fn)(void *arg), void *arg);

#endif
