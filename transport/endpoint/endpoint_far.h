/* SPDX-License-Identifier: MIT */
/*
 * endpoint_far: the far side of a channel: the server's, through libssh2, or
 * the descriptor of a relay. None of these calls waits.
 */
#ifndef TRANSPORT_ENDPOINT_ENDPOINT_FAR_H
#define TRANSPORT_ENDPOINT_ENDPOINT_FAR_H

#include <stdbool.h>
#include <stddef.h>

#include "transport/base/clock.h"

struct endpoint;
struct endpoint_channel;

/*
 * What every read of a channel asks for. libssh2 computes from it by how much
 * to widen the window. If it cannot say so at once, while keys are exchanged,
 * it repeats what it would have said then, but counts what it computes later:
 * were that less, it would ignore data that the server is allowed to send.
 */
enum { ENDPOINT_FAR_READ_BYTES = 32 * 1024 };

/*
 * Bytes that were read (@stream: 0, or SSH_EXTENDED_DATA_STDERR) or taken; 0
 * when there are none now, or it has ended (*end), or the channel has got a
 * fault. @data has room for ENDPOINT_FAR_READ_BYTES.
 */
size_t endpoint_far_read(struct endpoint *e, struct endpoint_channel *c,
			 int stream, void *data, bool *end, struct mono now);
/*
 * Reads stderr and drops it; whether there was any. Not libssh2's own way,
 * LIBSSH2_CHANNEL_EXTENDED_DATA_IGNORE: it widens the window for what it drops
 * from within another call, with the fault described above.
 */
bool endpoint_far_drop_stderr(struct endpoint *e, struct endpoint_channel *c,
			      struct mono now);
size_t endpoint_far_write(struct endpoint *e, struct endpoint_channel *c,
			  const void *data, size_t len, struct mono now);
/* True when the far side has been given the end. */
bool endpoint_far_send_eof(struct endpoint *e, struct endpoint_channel *c);
/* True once the server has closed the channel and all of it was read. */
bool endpoint_far_closed(struct endpoint *e, struct endpoint_channel *c);

#endif
