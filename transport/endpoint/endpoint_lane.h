/* SPDX-License-Identifier: MIT */
/*
 * endpoint_lane: the bytes of one direction that were taken from a source and
 * not yet by a sink.
 *
 * Bounded and small: what is parked here is time that a guest is stopped at
 * the end. It is refilled when less than a packet is left, so that packets are
 * full as long as the source has bytes.
 */
#ifndef TRANSPORT_ENDPOINT_ENDPOINT_LANE_H
#define TRANSPORT_ENDPOINT_ENDPOINT_LANE_H

#include <stdbool.h>
#include <stddef.h>

#include "transport/base/clock.h"

enum {
	ENDPOINT_LANE_BYTES = 64 * 1024,
	ENDPOINT_LANE_PACKET = 32700, /* most that libssh2 sends in one */
};

enum endpoint_lane_end {
	ENDPOINT_LANE_OPEN,
	ENDPOINT_LANE_EOF,  /* its source has ended; its sink is not informed */
	ENDPOINT_LANE_DONE, /* its sink is */
};

/* Zeroed: closed for good. */
struct endpoint_lane {
	unsigned char *bytes; /* NULL: there is no such direction */
	size_t start, len;
	enum endpoint_lane_end end;
	bool dry;	   /* its source had nothing more, last time */
	struct mono since; /* its sink takes nothing since, while len */
};

void endpoint_lane_init(struct endpoint_lane *l);
void endpoint_lane_fini(struct endpoint_lane *l);

/* Whether the source is to be read now, if it is not dry. */
bool endpoint_lane_wants(const struct endpoint_lane *l);
/* Whether there is something for the sink: a full packet, or all there is. */
bool endpoint_lane_has(const struct endpoint_lane *l);
/* Where to read to, and how much at most. */
unsigned char *endpoint_lane_room(struct endpoint_lane *l, size_t *len);
/* @n bytes were put there. */
void endpoint_lane_filled(struct endpoint_lane *l, size_t n, struct mono now);
/* The sink took @n bytes. */
void endpoint_lane_drained(struct endpoint_lane *l, size_t n, struct mono now);

#endif
