/* SPDX-License-Identifier: MIT */
/* ssh_channel: one channel of an SSH session. */
#include "transport/ssh_channel.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "transport/base/buf.h"
#include "transport/base/xalloc.h"
#include "transport/endpoint/ssh_format.h"

struct ssh_channel {
	struct ssh_session *session; /* held */
	LIBSSH2_CHANNEL *raw;
};

static struct ssh_channel *channel_new(struct ssh_session *s,
				       LIBSSH2_CHANNEL *raw)
{
	struct ssh_channel *c = XNEW(struct ssh_channel);

	c->session = ssh_session_hold(s);
	c->raw = raw;
	return c;
}

void ssh_channel_close(struct ssh_channel *c)
{
	if (!c)
		return;
	ssh_session_release(c->session, c->raw);
	ssh_session_drop(c->session);
	free(c);
}

/* --- opening ------------------------------------------------------------- */

static struct ssh_channel *channel_start(struct ssh_session *s,
					 const char *command,
					 struct mono deadline, struct err *err)
{
	LIBSSH2_CHANNEL *raw;

	raw = ssh_session_open(s, "session", NULL, 0, deadline, err);
	if (!raw) {
		/* a command that was given up counts until it ends */
		if (err && err->kind == ERR_REMOTE)
			err_hint(err, "too many commands may be running over "
				      "there (MaxSessions in sshd_config)");
		return NULL;
	}
	raw = ssh_session_exec(s, raw, command, deadline, err);
	return raw ? channel_new(s, raw) : NULL;
}

struct ssh_channel *ssh_channel_exec(struct ssh_session *s, const char *command,
				     struct mono deadline, struct err *err)
{
	struct ssh_channel *c;

	if (strlen(command) > SSH_COMMAND_MAX) {
		err_set(err, ERR_REMOTE,
			"a command of %zu bytes is too long for one SSH "
			"request (%d)",
			strlen(command), SSH_COMMAND_MAX);
		return NULL;
	}
	c = channel_start(s, command, deadline, err);
	if (!c)
		err_wrap(err, ERR_NONE, "%s did not start a command",
			 ssh_session_host(s));
	return c;
}

/* What comes as stderr is dropped: unread, it would use up the window. */
LIBSSH2_CHANNEL *ssh_channel_exec_raw(struct ssh_session *s,
				      const char *command, struct mono deadline,
				      struct err *err)
{
	struct ssh_channel *c = ssh_channel_exec(s, command, deadline, err);
	LIBSSH2_CHANNEL *raw;

	if (!c)
		return NULL;
	raw = STEAL(c->raw);
	ssh_channel_close(c);
	(void)ssh_session_did(s, libssh2_channel_handle_extended_data2(
					 raw,
					 LIBSSH2_CHANNEL_EXTENDED_DATA_IGNORE));
	return raw;
}

/*
 * Says what usually is behind a refused forwarding. OpenSSH gives one and the
 * same reason whether it may not connect or nobody listens.
 */
static void explain_unix(struct ssh_session *s, const char *path,
			 struct err *err)
{
	const char *host = ssh_session_host(s);

	if (!err || err->kind != ERR_REMOTE)
		return;
	if (strstr(err->message, "unknown channel type"))
		err_hint(err,
			 "the SSH server on %s cannot forward UNIX "
			 "sockets; OpenSSH 6.7 or later can",
			 host);
	else
		err_hint(err,
			 "does anybody listen there, and may %s be "
			 "entered? Else: AllowStreamLocalForwarding yes in "
			 "sshd_config on %s (and no DisableForwarding, no "
			 "no-port-forwarding in authorized_keys)",
			 path, host);
	err_wrap(err, ERR_NONE, "cannot connect to the socket %s on %s", path,
		 host);
}

/* direct-streamlocal@openssh.com: socket path, "", 0 (OpenSSH's PROTOCOL). */
LIBSSH2_CHANNEL *ssh_channel_unix_raw(struct ssh_session *s, const char *path,
				      struct mono deadline, struct err *err)
{
	AUTO_BUF struct buf message = { .base = NULL };
	LIBSSH2_CHANNEL *raw;

	ssh_put_string(&message, path, strlen(path));
	ssh_put_string(&message, "", 0);
	ssh_put_u32(&message, 0);
	raw = ssh_session_open(s, "direct-streamlocal@openssh.com",
			       buf_data(&message), buf_len(&message), deadline,
			       err);
	if (!raw)
		explain_unix(s, path, err);
	return raw;
}

struct ssh_channel *ssh_channel_unix(struct ssh_session *s, const char *path,
				     struct mono deadline, struct err *err)
{
	LIBSSH2_CHANNEL *raw = ssh_channel_unix_raw(s, path, deadline, err);

	return raw ? channel_new(s, raw) : NULL;
}

/* --- moving bytes -------------------------------------------------------- */

long ssh_channel_read(struct ssh_channel *c, bool from_stderr, void *data,
		      size_t len, bool *eof, struct err *err)
{
	long n;

	if (ssh_session_check(c->session, err) < 0)
		return -1;
	n = ssh_session_did(c->session,
			    libssh2_channel_read_ex(
				    c->raw,
				    from_stderr ? SSH_EXTENDED_DATA_STDERR : 0,
				    data, len));
	if (n == 0)
		*eof = libssh2_channel_eof(c->raw) != 0;
	if (n == LIBSSH2_ERROR_EAGAIN)
		return 0;
	return n < 0 ? ssh_session_failed(c->session, n, err) : n;
}

long ssh_channel_write(struct ssh_channel *c, const void *data, size_t len,
		       struct err *err)
{
	long n;

	if (ssh_session_check(c->session, err) < 0)
		return -1;
	if (ssh_session_congested(c->session))
		return 0;
	n = ssh_session_did(c->session,
			    libssh2_channel_write_ex(c->raw, 0, data, len));
	if (n == LIBSSH2_ERROR_EAGAIN)
		return 0;
	return n < 0 ? ssh_session_failed(c->session, n, err) : n;
}

int ssh_channel_send_eof(struct ssh_channel *c, struct err *err)
{
	long rc;

	if (ssh_session_check(c->session, err) < 0)
		return -1;
	rc = ssh_session_did(c->session, libssh2_channel_send_eof(c->raw));
	if (rc == LIBSSH2_ERROR_EAGAIN)
		return 1;
	return rc ? ssh_session_failed(c->session, rc, err) : 0;
}

bool ssh_channel_closed(struct ssh_channel *c)
{
	if (ssh_session_check(c->session, NULL) < 0)
		return false;
	if (libssh2_channel_eof(c->raw) != 1)
		return false;
	return ssh_session_did(c->session,
			       libssh2_channel_wait_closed(c->raw)) == 0;
}

static int signal_number(const char *name)
{
	for (int i = 1; i < NSIG; i++) {
		const char *known = sigabbrev_np(i);

		if (known && !strcmp(known, name))
			return i;
	}
	return 127;
}

int ssh_channel_status(struct ssh_channel *c)
{
	char *name = NULL;
	int status;

	if (ssh_session_check(c->session, NULL) < 0)
		return 255;
	status = libssh2_channel_get_exit_status(c->raw);
	libssh2_channel_get_exit_signal(c->raw, &name, NULL, NULL, NULL, NULL,
					NULL);
	if (name)
		status = 128 + signal_number(name);
	libssh2_free(ssh_session_raw(c->session), name);
	return status;
}

/* --- as a stream --------------------------------------------------------- */

struct channel_stream {
	struct stream base;
	struct ssh_channel *channel;
};

static ssize_t channel_stream_read(struct stream *base, void *data, size_t len,
				   struct mono deadline, struct err *err)
{
	struct channel_stream *cs = (struct channel_stream *)base;
	bool eof = false;
	long n;

	while ((n = ssh_channel_read(cs->channel, false, data, len, &eof,
				     err)) == 0 &&
	       !eof) {
		if (ssh_session_wait(cs->channel->session, deadline, err) < 0)
			return -1;
	}
	return n;
}

static ssize_t channel_stream_write(struct stream *base, const void *data,
				    size_t len, struct mono deadline,
				    struct err *err)
{
	struct channel_stream *cs = (struct channel_stream *)base;
	long n;

	while ((n = ssh_channel_write(cs->channel, data, len, err)) == 0) {
		if (libssh2_channel_eof(cs->channel->raw) == 1)
			return err_set(err, ERR_CLOSED,
				       "the far side closed the connection");
		if (ssh_session_wait(cs->channel->session, deadline, err) < 0)
			return -1;
	}
	return n;
}

static void channel_stream_close(struct stream *base)
{
	struct channel_stream *cs = (struct channel_stream *)base;

	ssh_channel_close(cs->channel);
	free(cs);
}

static const struct stream_ops channel_stream_ops = {
	.read = channel_stream_read,
	.write = channel_stream_write,
	.close = channel_stream_close,
};

struct stream *ssh_channel_stream(struct ssh_channel *c)
{
	struct channel_stream *cs = XNEW(struct channel_stream);

	cs->base.ops = &channel_stream_ops;
	cs->channel = c;
	return &cs->base;
}
