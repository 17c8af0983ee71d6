/* SPDX-License-Identifier: MIT */
/*
 * policy_auto: vmferry's own policy; pure. It holds a narrow gate while passes
 * shrink, opens it no wider than needed, throttles as much as computed, or
 * gives up and says what would be enough.
 */
#ifndef ENGINE_POLICY_POLICY_AUTO_H
#define ENGINE_POLICY_POLICY_AUTO_H

#include "engine/policy/policy.h"

extern const struct policy policy_auto;

#endif
