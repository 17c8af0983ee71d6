/* SPDX-License-Identifier: MIT */
/*
 * connect: the guest's monitors, both hosts, and what QEMU says of the guest.
 * Changes nothing anywhere.
 */
#ifndef ENGINE_RUN_CONNECT_H
#define ENGINE_RUN_CONNECT_H

#include "transport/base/err.h"

struct run;

/* A stage: finds the guest, opens its monitors, logs in to the destination. */
int connect_run(struct run *r, struct err *err);
/* The monitors of the run's guest; the first that greets is used. */
int connect_open_source(struct run *r, struct err *err);
/* A stage: asks the source's QEMU what the guest is made of, and names it. */
int connect_discover(struct run *r, struct err *err);

#endif
