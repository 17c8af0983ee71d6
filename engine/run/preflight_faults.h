/* SPDX-License-Identifier: MIT */
/*
 * preflight_faults: the check "qemu-fault", over the table of qemu_faults.h.
 */
#ifndef ENGINE_RUN_PREFLIGHT_FAULTS_H
#define ENGINE_RUN_PREFLIGHT_FAULTS_H

#include "engine/run/preflight.h"

/* Asks the source which devices the guest has. */
int preflight_faults_ask(struct preflight *p, struct err *err);
void preflight_faults_check(struct preflight *p);

#endif
