/* SPDX-License-Identifier: MIT */
/* attempt: all that one try of a migration owns. */
#include "engine/run/attempt.h"

#include <json.h>

#include "transport/tunnel.h"

static void settings_free(struct attempt_settings *s)
{
	json_object_put(s->caps);
	json_object_put(s->params);
}

void attempt_reset(struct attempt *a)
{
	tunnel_free(a->tunnel);
	settings_free(&a->src);
	settings_free(&a->dst);
	*a = (struct attempt){ .src_status = MIGRATION_NONE };
}
