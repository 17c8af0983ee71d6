/* SPDX-License-Identifier: MIT */
/* policy_list: all policies, in the order in which they are shown; pure. */
#ifndef ENGINE_POLICY_POLICY_LIST_H
#define ENGINE_POLICY_POLICY_LIST_H

#include "engine/policy/policy.h"

/*
 * NULL-terminated: auto first, then qemu, proxmox, ovirt, nova, kubevirt, and
 * auto-converge, QEMU's own.
 */
extern const struct policy *const policy_list[];
const struct policy *policy_find(const char *name); /* NULL: none */

#endif
