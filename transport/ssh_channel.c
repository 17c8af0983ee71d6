/* SPDX-License-Identifier: MIT */
/* ssh_channel: one channel of an SSH session. */
#include "transport/ssh_channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "transport/base/buf.h"
#include "transport/base/xalloc.h"
#include "transport/endpoint/ssh_format.h"
#include "transport/stream_fd.h"

struct ssh_channel {
	struct endpoint_child *child; /* held */
	struct endpoint_subject subject;
};

/* --- opening and closing -------------------------------------------------- */

/* An endpoint that does not even take this order is of no more use. */
void ssh_channel_close(struct ssh_channel *c)
{
	const struct endpoint_words words = { .word = CONTROL_CLOSE };
	struct err why = { 0 };

	if (!c)
		return;
	if (endpoint_child_say(c->child, &c->subject, &words, mono_now(),
			       &why) < 0) {
		err_set(&why, ERR_NETWORK, "its process takes no orders");
		endpoint_child_kill(c->child, &why);
		err_reset(&why);
	}
	endpoint_child_forget(c->child, &c->subject);
	endpoint_child_drop(c->child);
	free(c);
}

/* ERR_REMOTE with the host's words when it refuses. */
static struct ssh_channel *channel_open(struct ssh_session *s,
					const struct endpoint_words *words,
					struct mono deadline, struct err *err)
{
	struct ssh_channel *c = XNEW(struct ssh_channel);

	c->child = endpoint_child_hold(ssh_session_child(s));
	endpoint_child_begin(c->child, &c->subject);
	if (endpoint_child_ask(c->child, &c->subject, words,
			       CONTROL_BIT(OPENED) | CONTROL_BIT(FAILED),
			       deadline, err) == 0) {
		if (c->subject.heard & CONTROL_BIT(OPENED))
			return c;
		err_set(err, ERR_REMOTE, "%s", buf_data(&c->subject.text));
	}
	ssh_channel_close(c);
	return NULL;
}

struct ssh_channel *ssh_channel_exec(struct ssh_session *s, const char *command,
				     struct mono deadline, struct err *err)
{
	const struct endpoint_words words = {
		.word = CONTROL_OPEN,
		.a = CONTROL_EXEC,
		.text = command,
		.len = strlen(command),
	};
	struct ssh_channel *c;

	if (words.len > SSH_COMMAND_MAX) {
		err_set(err, ERR_REMOTE,
			"a command of %zu bytes is too long for one SSH "
			"request (%d)",
			words.len, SSH_COMMAND_MAX);
		return NULL;
	}
	c = channel_open(s, &words, deadline, err);
	if (c)
		return c;
	/* a command that was given up counts until it ends */
	if (err && err->kind == ERR_REMOTE)
		err_hint(err, "too many commands may be running over there "
			      "(MaxSessions in sshd_config)");
	err_wrap(err, ERR_NONE, "%s did not start a command",
		 ssh_session_host(s));
	return NULL;
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
struct ssh_channel *ssh_channel_unix(struct ssh_session *s, const char *path,
				     struct mono deadline, struct err *err)
{
	AUTO_BUF struct buf message = { .base = NULL };
	struct endpoint_words words = {
		.word = CONTROL_OPEN,
		.a = CONTROL_UNIX,
	};
	struct ssh_channel *c;

	ssh_put_string(&message, path, strlen(path));
	ssh_put_string(&message, "", 0);
	ssh_put_u32(&message, 0);
	words.text = buf_data(&message);
	words.len = buf_len(&message);
	c = channel_open(s, &words, deadline, err);
	if (!c)
		explain_unix(s, path, err);
	return c;
}

/* --- bytes ---------------------------------------------------------------- */

int ssh_channel_attach(struct ssh_channel *c, const int *fds, size_t n,
		       struct mono deadline, struct err *err)
{
	const struct endpoint_words words = {
		.word = CONTROL_ATTACH,
		.fds = fds,
		.n_fds = n,
	};

	return endpoint_child_say(c->child, &c->subject, &words, deadline, err);
}

int ssh_channel_await_end(struct ssh_channel *c, struct mono deadline,
			  int *status, struct err *err)
{
	if (endpoint_child_await(c->child, &c->subject, CONTROL_BIT(ENDED),
				 deadline, err) < 0)
		return -1;
	if (c->subject.head.a != CONTROL_FAULT_NONE)
		return err_set(err, ERR_REMOTE, "%s",
			       buf_data(&c->subject.text));
	*status = c->subject.head.b;
	return 0;
}

struct endpoint_subject *ssh_channel_subject(struct ssh_channel *c)
{
	return &c->subject;
}

/* --- as a stream ---------------------------------------------------------- */

/*
 * An end may be the far side's, or the endpoint's. The endpoint announces the
 * former before it can be seen here, so that the latter is what is left.
 */
struct channel_stream {
	struct stream base;
	struct stream *fd;
	struct ssh_channel *channel;
};

static ssize_t channel_stream_read(struct stream *base, void *data, size_t len,
				   struct mono deadline, struct err *err)
{
	struct channel_stream *cs = (struct channel_stream *)base;
	struct ssh_channel *c = cs->channel;
	ssize_t n = stream_read(cs->fd, data, len, deadline, err);

	if (n > 0 || (n < 0 && err && err->kind != ERR_CLOSED))
		return n;
	if (endpoint_child_await(c->child, &c->subject,
				 CONTROL_BIT(EOF) | CONTROL_BIT(ENDED),
				 deadline, err) < 0)
		return -1;
	return 0;
}

static ssize_t channel_stream_write(struct stream *base, const void *data,
				    size_t len, struct mono deadline,
				    struct err *err)
{
	struct channel_stream *cs = (struct channel_stream *)base;
	AUTO_ERR struct err e = { 0 };
	ssize_t n = cs->fd->ops->write(cs->fd, data, len, deadline, &e);

	if (n >= 0)
		return n;
	if (e.kind == ERR_CLOSED &&
	    endpoint_child_check(cs->channel->child, &e) == 0)
		err_set(&e, ERR_CLOSED, "the far side closed the connection");
	err_move(err, &e);
	return -1;
}

static void channel_stream_close(struct stream *base)
{
	struct channel_stream *cs = (struct channel_stream *)base;

	stream_close(cs->fd);
	ssh_channel_close(cs->channel);
	free(cs);
}

static const struct stream_ops channel_stream_ops = {
	.read = channel_stream_read,
	.write = channel_stream_write,
	.close = channel_stream_close,
};

struct stream *ssh_channel_stream(struct ssh_channel *c, struct mono deadline,
				  struct err *err)
{
	struct channel_stream *cs;
	AUTO_FD int theirs = -1;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		err_sys(err, errno, "cannot make a socket pair");
		ssh_channel_close(c);
		return NULL;
	}
	theirs = pair[1];
	cs = XNEW(struct channel_stream);
	cs->base.ops = &channel_stream_ops;
	cs->fd = stream_fd_new(pair[0], pair[0]);
	cs->channel = c;
	if (ssh_channel_attach(c, &theirs, 1, deadline, err) == 0)
		return &cs->base;
	channel_stream_close(&cs->base);
	return NULL;
}
