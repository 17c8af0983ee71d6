/* SPDX-License-Identifier: MIT */
/*
 * preflight_memory: memory that a guest needs in other ways than as so many
 * bytes (the check "memory"): the checks "hugepages" and "memlock".
 */
#ifndef ENGINE_RUN_PREFLIGHT_MEMORY_H
#define ENGINE_RUN_PREFLIGHT_MEMORY_H

#include "engine/run/preflight.h"

/* @arg is a struct preflight. */
int preflight_memory_ask(void *arg, struct err *err);
void preflight_memory_check_pages(struct preflight *p);
void preflight_memory_check_lock(struct preflight *p);

#endif
