/* SPDX-License-Identifier: MIT */
/* host_ssh: a host reached through libssh2. */
#include "transport/host_ssh.h"

#include <stdlib.h>

#include "transport/base/xalloc.h"
#include "transport/quote.h"
#include "transport/ssh_channel.h"
#include "transport/ssh_far.h"
#include "transport/ssh_login.h"

enum { RUN_CHUNK_BYTES = 32 * 1024 };

struct host_ssh {
	struct host base;
	struct ssh_login *login;
	struct ssh_link link;
};

static struct host_ssh *self(struct host *h)
{
	return (struct host_ssh *)h;
}

/* --- commands ------------------------------------------------------------ */

struct exec {
	struct ssh_channel *channel;
	const struct host_command *cmd;
	struct host_result *result;
	size_t written;
	bool eof_sent;
	bool ended; /* its output has */
	char chunk[RUN_CHUNK_BYTES];
};

/* Each step: 1 something moved, 0 nothing could, -1. */
static int exec_write(struct exec *e, struct err *err)
{
	size_t left = e->cmd->input_len - e->written;
	long n;

	if (e->eof_sent)
		return 0;
	if (left) {
		n = ssh_channel_write(e->channel,
				      (const char *)e->cmd->input + e->written,
				      left, err);
		if (n > 0)
			e->written += (size_t)n;
		return n < 0 ? -1 : n > 0;
	}
	n = ssh_channel_send_eof(e->channel, err);
	if (n < 0)
		return -1;
	e->eof_sent = n == 0;
	return e->eof_sent;
}

static int exec_read(struct exec *e, bool from_stderr, struct err *err)
{
	struct buf *to = from_stderr ? &e->result->err : &e->result->out;
	long n = ssh_channel_read(e->channel, from_stderr, e->chunk,
				  sizeof(e->chunk), &e->ended, err);

	if (n <= 0)
		return (int)n;
	if (buf_len(to) + (size_t)n > e->cmd->max_output)
		return err_set(err, ERR_REMOTE, "%s wrote more than %zu bytes",
			       e->cmd->argv[0], e->cmd->max_output);
	buf_append(to, e->chunk, (size_t)n);
	return 1;
}

static int exec_step(struct exec *e, struct err *err)
{
	int wrote = exec_write(e, err);
	int out = wrote < 0 ? -1 : exec_read(e, false, err);
	int errout = out < 0 ? -1 : exec_read(e, true, err);

	if (errout < 0)
		return -1;
	return wrote || out || errout;
}

static int exec_pump(struct exec *e, struct ssh_session *s, struct err *err)
{
	for (;;) {
		int moved = exec_step(e, err);

		if (moved < 0)
			return -1;
		if (moved)
			continue;
		if (e->ended && ssh_channel_closed(e->channel))
			return 0;
		if (ssh_session_wait(s, e->cmd->deadline, err) < 0)
			return -1;
	}
}

static int ssh_run(struct host *h, const struct host_command *cmd,
		   struct host_result *result, struct err *err)
{
	struct ssh_session *s = self(h)->link.session;
	AUTO_FREE char *line = quote_login(cmd->argv);
	AUTO_FREE struct exec *e = XNEW(struct exec);
	int rc;

	e->cmd = cmd;
	e->result = result;
	e->channel = ssh_channel_exec(s, line, cmd->deadline, err);
	if (!e->channel)
		return -1;
	rc = exec_pump(e, s, err);
	if (rc == 0)
		result->status = ssh_channel_status(e->channel);
	else
		err_wrap(err, ERR_NONE, "%s on %s did not come to its end",
			 cmd->argv[0], h->name);
	ssh_channel_close(e->channel);
	return rc;
}

/* --- sockets, tunnels, signs of life ------------------------------------- */

static struct stream *ssh_connect(struct host *h, const char *path,
				  struct mono deadline, struct err *err)
{
	struct ssh_channel *c =
		ssh_channel_unix(self(h)->link.session, path, deadline, err);

	return c ? ssh_channel_stream(c) : NULL;
}

static struct tunnel *ssh_tunnel(struct host *h, const char *path,
				 struct mono deadline, struct err *err)
{
	LIBSSH2_CHANNEL *channel;
	struct ssh_link link;

	if (ssh_login_again(self(h)->login, &link, deadline, err) < 0)
		return NULL;
	channel = ssh_channel_unix_raw(link.session, path, deadline, err);
	return ssh_far_tunnel(h->name, &link, channel, err);
}

static struct tunnel *ssh_tunnel_command(struct host *h,
					 const char *const *argv,
					 struct mono deadline, struct err *err)
{
	AUTO_FREE char *line = quote_login(argv);
	LIBSSH2_CHANNEL *channel;
	struct ssh_link link;

	if (ssh_login_again(self(h)->login, &link, deadline, err) < 0)
		return NULL;
	channel = ssh_channel_exec_raw(link.session, line, deadline, err);
	return ssh_far_tunnel(h->name, &link, channel, err);
}

static int ssh_alive(struct host *h, int silence_ms, struct err *err)
{
	return ssh_session_alive(self(h)->link.session, silence_ms, err);
}

static int ssh_ping(struct host *h, struct mono deadline, struct err *err)
{
	return ssh_session_ping(self(h)->link.session, deadline, err);
}

static void ssh_close(struct host *h)
{
	struct host_ssh *hs = self(h);

	ssh_link_close(&hs->link);
	ssh_login_free(hs->login);
	free(hs->base.name);
	free(hs);
}

static const struct host_ops ssh_ops = {
	.backend = "ssh",
	.run = ssh_run,
	.connect = ssh_connect,
	.tunnel = ssh_tunnel,
	.tunnel_command = ssh_tunnel_command,
	.alive = ssh_alive,
	.ping = ssh_ping,
	.close = ssh_close,
};

struct host *host_ssh_open(const struct host_target *t, const char *name,
			   const struct host_options *opt, bool *beyond,
			   struct mono deadline, struct err *err)
{
	struct host_ssh *hs = XNEW(struct host_ssh);

	hs->login =
		ssh_login_new(t, name, opt, &hs->link, beyond, deadline, err);
	if (!hs->login) {
		free(hs);
		err_at_host(err, name);
		return NULL;
	}
	hs->base.ops = &ssh_ops;
	hs->base.name = xstrdup(name);
	return &hs->base;
}
