/* SPDX-License-Identifier: MIT */
/* endpoint_far: the far side of a channel. */
#include "transport/endpoint/endpoint_far.h"

#include <errno.h>
#include <sys/socket.h>

#include "transport/endpoint/endpoint_channel.h"
#include "transport/endpoint/endpoint_state.h"

/* --- a relay -------------------------------------------------------------- */

static void relay_ended(struct endpoint *e, struct endpoint_channel *c,
			struct mono now)
{
	if (mono_is_never(c->end_due))
		c->end_due = mono_add_ms(now, e->hold_ms);
}

static size_t relay_read(struct endpoint *e, struct endpoint_channel *c,
			 void *data, bool *end, struct mono now)
{
	ssize_t n =
		recv(e->wire.fd, data, ENDPOINT_FAR_READ_BYTES, MSG_DONTWAIT);

	if (n > 0)
		return (size_t)n;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	/* the kernel says so once */
	if (n < 0)
		c->end_errnum = errno;
	relay_ended(e, c, now);
	if (mono_before(now, c->end_due))
		return 0;
	if (c->end_errnum)
		endpoint_channel_fault(c, CONTROL_FAULT_CLOSED,
				       "cannot read from the far side",
				       c->end_errnum);
	*end = true;
	return 0;
}

static size_t relay_write(struct endpoint *e, struct endpoint_channel *c,
			  const void *data, size_t len, struct mono now)
{
	ssize_t n = send(e->wire.fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n >= 0)
		return (size_t)n;
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	relay_ended(e, c, now);
	if (!mono_before(now, c->end_due))
		endpoint_channel_fault(c, CONTROL_FAULT_CLOSED,
				       "cannot write to the far side", errno);
	return 0;
}

/* --- a channel of the server ---------------------------------------------- */

/* The server has closed the channel, whatever was read of it. */
bool endpoint_far_closed(struct endpoint *e, struct endpoint_channel *c)
{
	return libssh2_channel_eof(c->raw) == 1 &&
	       endpoint_did(e, libssh2_channel_wait_closed(c->raw)) == 0;
}

size_t endpoint_far_read(struct endpoint *e, struct endpoint_channel *c,
			 int stream, void *data, bool *end, struct mono now)
{
	long n;

	if (!e->raw)
		return relay_read(e, c, data, end, now);
	n = endpoint_did(e, libssh2_channel_read_ex(c->raw, stream, data,
						    ENDPOINT_FAR_READ_BYTES));
	if (n > 0)
		return (size_t)n;
	if (n < 0 && n != LIBSSH2_ERROR_EAGAIN)
		endpoint_failed(e, n);
	*end = libssh2_channel_eof(c->raw) == 1;
	return 0;
}

bool endpoint_far_drop_stderr(struct endpoint *e, struct endpoint_channel *c,
			      struct mono now)
{
	char dropped[ENDPOINT_FAR_READ_BYTES];
	bool end;

	return e->raw && endpoint_far_read(e, c, SSH_EXTENDED_DATA_STDERR,
					   dropped, &end, now);
}

/* A command may end without having read all; a socket may not. */
static size_t far_takes_no_more(struct endpoint_channel *c)
{
	if (c->one_socket) {
		endpoint_channel_fault(
			c, CONTROL_FAULT_CLOSED,
			"the far socket was closed before it took everything",
			0);
	} else {
		c->out.len = 0;
		c->out.end = ENDPOINT_LANE_DONE;
	}
	return 0;
}

/*
 * A packet is built only when the one before has left for the socket. One that
 * waits for the window looks whether there will ever be room.
 */
size_t endpoint_far_write(struct endpoint *e, struct endpoint_channel *c,
			  const void *data, size_t len, struct mono now)
{
	long n;

	if (!e->raw)
		return relay_write(e, c, data, len, now);
	if (ssh_wire_pending(&e->wire))
		return 0;
	n = endpoint_did(e, libssh2_channel_write_ex(c->raw, 0, data, len));
	if (n > 0)
		return (size_t)n;
	if (n == LIBSSH2_ERROR_CHANNEL_CLOSED ||
	    ((n == 0 || n == LIBSSH2_ERROR_EAGAIN) &&
	     endpoint_far_closed(e, c)))
		return far_takes_no_more(c);
	if (n < 0 && n != LIBSSH2_ERROR_EAGAIN)
		endpoint_failed(e, n);
	return 0;
}

/* True when the far side has been given the end. */
bool endpoint_far_send_eof(struct endpoint *e, struct endpoint_channel *c)
{
	long rc;

	if (!e->raw) {
		/* fails only where the connection is gone, which is read */
		(void)shutdown(e->wire.fd, SHUT_WR);
		return true;
	}
	rc = endpoint_did(e, libssh2_channel_send_eof(c->raw));
	if (rc && rc != LIBSSH2_ERROR_EAGAIN &&
	    rc != LIBSSH2_ERROR_CHANNEL_CLOSED)
		endpoint_failed(e, rc);
	return rc != LIBSSH2_ERROR_EAGAIN;
}
