/* SPDX-License-Identifier: MIT */
/*
 * guest_describe: what a guest's command line says about it.
 */
#ifndef ENGINE_GUEST_GUEST_DESCRIBE_H
#define ENGINE_GUEST_GUEST_DESCRIBE_H

#include "engine/guest/guest.h"

/* Fills in name, uuid, RAM, CPUs and monitors from @g's argv and cwd. */
void guest_describe(struct guest *g);

#endif
