/* SPDX-License-Identifier: MIT */
/*
 * ssh_far: the far end of a tunnel through libssh2.
 *
 * Once the tunnel exists nobody but its thread touches the session. A packet
 * is built only when the one before has left for the socket, and the socket
 * holds little that was not sent yet: what is parked on this side is time that
 * the guest is stopped at the end.
 */
#include "transport/ssh_far.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "transport/base/xalloc.h"

enum {
	FAR_UNSENT_BYTES = 128 * 1024,
	FAR_BEAT_POLL_MS = 100, /* while an answer is due */
};

struct far {
	LIBSSH2_SESSION *raw;
	LIBSSH2_CHANNEL *channel;
	struct ssh_wire wire;
	struct ssh_proxy *proxy;
	bool eof_sent;
	bool beating;
	struct mono beat_due;
};

static int far_failed(struct far *f, long rc, struct err *err)
{
	AUTO_FREE char *words = NULL;

	if (ssh_wire_dead(&f->wire)) {
		ssh_wire_why(&f->wire, err);
	} else {
		words = ssh_session_words(f->raw, rc);
		err_set(err, ERR_NETWORK, "%s", words);
	}
	return err_wrap(err, ERR_NETWORK, "the tunnel's SSH session is lost");
}

static long far_read(void *far, void *data, unsigned long len, bool *eof,
		     struct err *err)
{
	struct far *f = far;
	long n = libssh2_channel_read_ex(f->channel, 0, data, len);

	ssh_wire_flush(&f->wire); /* a window adjustment */
	if (n == LIBSSH2_ERROR_EAGAIN)
		return 0;
	if (n < 0)
		return far_failed(f, n, err);
	if (n == 0)
		*eof = libssh2_channel_eof(f->channel) == 1;
	return n;
}

static long far_write(void *far, const void *data, unsigned long len,
		      struct err *err)
{
	struct far *f = far;
	long n;

	ssh_wire_flush(&f->wire);
	if (ssh_wire_dead(&f->wire))
		return far_failed(f, LIBSSH2_ERROR_SOCKET_SEND, err);
	if (ssh_wire_pending(&f->wire))
		return 0;
	n = libssh2_channel_write_ex(f->channel, 0, data, len);
	if (n > 0)
		return n;
	if (n < 0 && n != LIBSSH2_ERROR_EAGAIN)
		return far_failed(f, n, err);
	if (libssh2_channel_eof(f->channel) == 1)
		return err_set(err, ERR_CLOSED,
			       "the far socket was closed before it took "
			       "everything");
	return 0;
}

static int far_send_eof(void *far, struct err *err)
{
	struct far *f = far;
	long rc = 0;

	if (!f->eof_sent)
		rc = libssh2_channel_send_eof(f->channel);
	if (rc == LIBSSH2_ERROR_EAGAIN)
		return 1;
	if (rc)
		return far_failed(f, rc, err);
	f->eof_sent = true;
	ssh_wire_flush(&f->wire);
	if (ssh_wire_dead(&f->wire))
		return far_failed(f, LIBSSH2_ERROR_SOCKET_SEND, err);
	return ssh_wire_pending(&f->wire) ? 1 : 0;
}

/*
 * Room in the channel's window comes as input. The answer to a heartbeat does,
 * too, but is looked for every FAR_BEAT_POLL_MS anyway: polling for it while
 * nobody reads the channel would spin.
 */
static int far_poll_fd(void *far, bool want_read, bool want_write,
		       short *events)
{
	const struct far *f = far;

	*events = 0;
	if (want_read || want_write)
		*events |= POLLIN;
	if (ssh_wire_pending(&f->wire))
		*events |= POLLOUT;
	return f->wire.fd;
}

static int far_heartbeat(void *far, struct mono now, struct mono *next,
			 struct err *err)
{
	struct far *f = far;
	long rc;

	if (!f->beating && !mono_before(now, f->beat_due)) {
		f->beating = true;
		f->beat_due = mono_add_ms(now, SSH_BEAT_MS);
		ssh_wire_asked(&f->wire, now);
	}
	if (f->beating) {
		rc = ssh_session_beat(f->raw);
		ssh_wire_flush(&f->wire);
		if (rc && rc != LIBSSH2_ERROR_EAGAIN)
			return far_failed(f, rc, err);
		f->beating = rc != 0;
	}
	*next = f->beating ? mono_add_ms(now, FAR_BEAT_POLL_MS) : f->beat_due;
	if (ssh_wire_check_silence(&f->wire, now, SSH_SILENCE_MS, err) < 0)
		return err_wrap(err, ERR_NETWORK,
				"the tunnel's SSH session is lost");
	return 0;
}

static void far_close(void *far)
{
	struct far *f = far;

	ssh_wire_cut(&f->wire);
	ssh_session_free_raw(f->raw);
	ssh_wire_fini(&f->wire);
	ssh_proxy_free(f->proxy);
	free(f);
}

static const struct tunnel_far_ops far_ops = {
	.read = far_read,
	.write = far_write,
	.send_eof = far_send_eof,
	.poll_fd = far_poll_fd,
	.heartbeat = far_heartbeat,
	.close = far_close,
};

struct tunnel *ssh_far_tunnel(const char *host, struct ssh_link *link,
			      LIBSSH2_CHANNEL *channel, struct err *err)
{
	const int unsent = FAR_UNSENT_BYTES;
	struct far *f = XNEW(struct far);

	f->channel = channel;
	if (channel)
		f->raw = ssh_session_detach(link->session, &f->wire, err);
	if (!f->raw) {
		ssh_link_close(link);
		free(f);
		return NULL;
	}
	/* a sign of life may be under way: what it left is finished first */
	f->beating = true;
	f->beat_due = mono_in_ms(SSH_BEAT_MS);
	f->proxy = STEAL(link->proxy);
	ssh_link_close(link);
	(void)setsockopt(f->wire.fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent,
			 sizeof(unsent));
	return tunnel_new(host, &far_ops, f);
}
