/* SPDX-License-Identifier: MIT */
/*
 * preflight_cpu: the check "cpu": whether the guest keeps its CPU.
 *
 * QEMU does not compare CPUs. A guest that loses a feature goes on until the
 * first use of it.
 */
#ifndef ENGINE_RUN_PREFLIGHT_CPU_H
#define ENGINE_RUN_PREFLIGHT_CPU_H

#include "engine/run/preflight.h"

/* What CPU the guest has. */
int preflight_cpu_ask(struct preflight *p, struct err *err);
/* What it would have on the destination; @arg is a struct preflight. */
int preflight_cpu_try(void *arg, struct err *err);
void preflight_cpu_check(struct preflight *p);
void preflight_cpu_free(struct preflight *p);

#endif
