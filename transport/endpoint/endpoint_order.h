/* SPDX-License-Identifier: MIT */
/*
 * endpoint_order: round trips through libssh2, one at a time: it keeps the
 * state of one channel that is being opened, and while it waits for the answer
 * to one request it takes the answer to another for an error.
 *
 * Orders open channels, start commands in them, and get signs of life. A
 * request that is not answered thus holds up those behind it: after
 * SSH_SILENCE_MS the connection counts as lost, whatever other channels
 * receive.
 *
 * The sign of life is a channel of a type that no server knows: the refusal is
 * a round trip that works in every session and leaves nothing behind (libssh2
 * keeps the answers to its own keepalives for ever).
 */
#ifndef TRANSPORT_ENDPOINT_ENDPOINT_ORDER_H
#define TRANSPORT_ENDPOINT_ENDPOINT_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/base/clock.h"

struct endpoint;
struct endpoint_channel;

/* Opens @c, and says OPENED or FAILED. */
void endpoint_order_open(struct endpoint *e, struct endpoint_channel *c);
/* Asks for a sign of life, and says PONG @id when it comes. */
void endpoint_order_ping(struct endpoint *e, uint32_t id);

/* Goes on with the first order; whether one ended. */
bool endpoint_order_step(struct endpoint *e, struct mono now);
/* Asks for a sign of life when it is time to; dies of silence. */
void endpoint_order_beat(struct endpoint *e, struct mono now);
/* When it has to be called again. */
struct mono endpoint_order_due(const struct endpoint *e);
/* The connection is dead: why, as the server or libssh2 says. */
void endpoint_order_last_words(struct endpoint *e) __attribute__((noreturn));

#endif
