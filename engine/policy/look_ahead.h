/* SPDX-License-Identifier: MIT */
/*
 * look_ahead: what a migration that is under way will come to, as its policy
 * may be expected to go on; pure. For people only: no policy reads it.
 */
#ifndef ENGINE_POLICY_LOOK_AHEAD_H
#define ENGINE_POLICY_LOOK_AHEAD_H

#include "engine/policy/policy.h"

/*
 * From the end of the last of the passes in @v, of which there is one at
 * least, with the guest throttled by @throttle now.
 */
void look_ahead(const struct policy_view *v, double throttle,
		struct forecast *out);

#endif
