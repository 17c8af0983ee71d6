/* SPDX-License-Identifier: MIT */
/*
 * beside: independent questions side by side, each in a task of its own, so
 * that they take as long as the longest of them. Private to the engine.
 */
#ifndef ENGINE_RUN_BESIDE_H
#define ENGINE_RUN_BESIDE_H

#include <stddef.h>

#include "transport/base/err.h"

/* 0, or -1 with *err; what it finds out is where @arg says. */
typedef int beside_fn(void *arg, struct err *err);

struct beside {
	beside_fn *ask;
	void *arg;
};

/*
 * Asks the @n questions of @list, and comes back when none of them is under
 * way. 0, or -1 with the error that asking them one after the other would have
 * ended with: that of the first in the list that fails. Those behind it are
 * cancelled, and all of them when the caller is. In a task.
 *
 * A question that ends with ERR_REMOTE is asked once more when no other one is
 * under way: sshd may grant a login less sessions at a time (MaxSessions). It
 * must be one that can be asked twice.
 */
int beside_ask(const struct beside *list, size_t n, struct err *err);

#endif
