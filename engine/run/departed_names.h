/* SPDX-License-Identifier: MIT */
/*
 * departed_names: the scripts of departed.h with what they need, for a run.
 */
#ifndef ENGINE_RUN_DEPARTED_NAMES_H
#define ENGINE_RUN_DEPARTED_NAMES_H

#include "engine/hosts/as_user.h"
#include "engine/hosts/probe.h"

/*
 * Appends the functions of departed.h, with $user and $group of @user and the
 * script that takes names. admit_sh is to come before.
 */
void departed_names_begin(struct buf *script, const struct as_user *user);
/*
 * Removes what guests have left on @h that ended, and whose end nobody waited
 * for, as after a power cut. Does what it can; a failure is logged.
 */
void departed_names_sweep(struct host *h, const struct host_facts *facts);
/* The same on a host of which nothing is known yet. */
void departed_names_sweep_host(struct host *h);

#endif
