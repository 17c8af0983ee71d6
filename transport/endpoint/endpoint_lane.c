/* SPDX-License-Identifier: MIT */
/* endpoint_lane: the bytes of one direction. */
#include "transport/endpoint/endpoint_lane.h"

#include <stdlib.h>
#include <string.h>

#include "transport/base/xalloc.h"

void endpoint_lane_init(struct endpoint_lane *l)
{
	*l = (struct endpoint_lane){ .bytes = xmalloc(ENDPOINT_LANE_BYTES) };
}

void endpoint_lane_fini(struct endpoint_lane *l)
{
	free(l->bytes);
	*l = (struct endpoint_lane){ .bytes = NULL };
}

bool endpoint_lane_wants(const struct endpoint_lane *l)
{
	return l->bytes && l->end == ENDPOINT_LANE_OPEN &&
	       l->len < ENDPOINT_LANE_PACKET;
}

bool endpoint_lane_has(const struct endpoint_lane *l)
{
	return l->len && (l->dry || l->len >= ENDPOINT_LANE_PACKET ||
			  l->end != ENDPOINT_LANE_OPEN);
}

unsigned char *endpoint_lane_room(struct endpoint_lane *l, size_t *len)
{
	if (l->start)
		memmove(l->bytes, l->bytes + l->start, l->len);
	l->start = 0;
	*len = ENDPOINT_LANE_BYTES - l->len;
	return l->bytes + l->len;
}

void endpoint_lane_filled(struct endpoint_lane *l, size_t n, struct mono now)
{
	if (!l->len)
		l->since = now;
	l->len += n;
}

void endpoint_lane_drained(struct endpoint_lane *l, size_t n, struct mono now)
{
	l->start += n;
	l->len -= n;
	l->since = now;
}
