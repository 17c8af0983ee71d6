/* SPDX-License-Identifier: MIT */
/* host_ssh: a host reached through libssh2. */
#include "transport/host_ssh.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "transport/base/xalloc.h"
#include "transport/host_shells.h"
#include "transport/quote.h"
#include "transport/ssh_channel.h"
#include "transport/ssh_login.h"

struct host_ssh {
	struct host base;
	struct ssh_login *login;
	struct ssh_link link;
	struct host_shells *shells;
};

static struct host_ssh *self(struct host *h)
{
	return (struct host_ssh *)h;
}

/* --- commands ------------------------------------------------------------ */

enum { STREAMS = 3 };

static void close_all(int fds[STREAMS])
{
	for (size_t i = 0; i < STREAMS; i++)
		close_fd(steal_fd(&fds[i]));
}

static int make_pairs(int ours[STREAMS], int theirs[STREAMS], struct err *err)
{
	int pair[2];

	for (size_t i = 0; i < STREAMS; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) <
		    0)
			return err_sys(err, errno, "cannot make a socket pair");
		ours[i] = pair[0];
		theirs[i] = pair[1];
	}
	return 0;
}

/* Gives @c three sockets, of which ours are returned. */
static int attach(struct ssh_channel *c, int ours[STREAMS],
		  struct mono deadline, struct err *err)
{
	int theirs[STREAMS] = { -1, -1, -1 };
	int rc = make_pairs(ours, theirs, err);

	if (rc == 0)
		rc = ssh_channel_attach(c, theirs, STREAMS, deadline, err);
	close_all(theirs);
	if (rc < 0)
		close_all(ours);
	return rc;
}

static void *start_shell(void *arg, const char *line, int fds[STREAMS],
			 struct mono deadline, struct err *err)
{
	struct host_ssh *hs = arg;
	struct ssh_channel *c =
		ssh_channel_exec(hs->link.session, line, deadline, err);

	if (c && attach(c, fds, deadline, err) < 0) {
		ssh_channel_close(c);
		return NULL;
	}
	return c;
}

/* What was written to it behind its end is no fault. */
static int await_shell_end(void *started, struct mono deadline, int *status,
			   struct err *err)
{
	AUTO_ERR struct err e = { 0 };

	if (ssh_channel_await_end(started, deadline, status, &e) == 0)
		return 0;
	if (e.kind == ERR_REMOTE) {
		*status = -1;
		return 0;
	}
	err_move(err, &e);
	return -1;
}

static void stop_shell(void *started)
{
	ssh_channel_close(started);
}

static const struct host_shell_ops shell_ops = {
	.start = start_shell,
	.await_end = await_shell_end,
	.stop = stop_shell,
};

static int ssh_run(struct host *h, const struct host_command *cmd,
		   struct host_result *result, struct err *err)
{
	if (host_shells_run(self(h)->shells, cmd, result, err) == 0)
		return 0;
	return err_wrap(err, ERR_NONE, "%s on %s did not come to its end",
			cmd->argv[0], h->name);
}

/* --- sockets, tunnels, signs of life ------------------------------------- */

static struct stream *ssh_connect(struct host *h, const char *path,
				  struct mono deadline, struct err *err)
{
	struct ssh_channel *c =
		ssh_channel_unix(self(h)->link.session, path, deadline, err);

	return c ? ssh_channel_stream(c, deadline, err) : NULL;
}

/* A session of its own with one channel. */
struct carrier {
	struct ssh_link link;
	struct ssh_channel *channel;
};

static void carrier_release(void *carrier)
{
	struct carrier *c = carrier;

	ssh_channel_close(c->channel);
	ssh_link_close(&c->link);
	free(c);
}

/* The channel is opened by @open in a session of its own. */
static struct tunnel *
carry(struct host *h, const char *what,
      struct ssh_channel *(*open)(struct ssh_session *s, const char *what,
				  struct mono deadline, struct err *err),
      struct mono deadline, struct err *err)
{
	struct carrier *c = XNEW(struct carrier);

	if (ssh_login_again(self(h)->login, &c->link, deadline, err) == 0)
		c->channel = open(c->link.session, what, deadline, err);
	if (!c->channel) {
		carrier_release(c);
		return NULL;
	}
	return tunnel_new(&(struct tunnel_spec){
		.host = h->name,
		.child = ssh_session_child(c->link.session),
		.subject = ssh_channel_subject(c->channel),
		.carrier = c,
		.release = carrier_release,
	});
}

static struct tunnel *ssh_tunnel(struct host *h, const char *path,
				 struct mono deadline, struct err *err)
{
	return carry(h, path, ssh_channel_unix, deadline, err);
}

static struct tunnel *ssh_tunnel_command(struct host *h,
					 const char *const *argv,
					 struct mono deadline, struct err *err)
{
	AUTO_FREE char *line = quote_login(argv);

	return carry(h, line, ssh_channel_exec, deadline, err);
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

	host_shells_free(hs->shells);
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
	hs->shells = host_shells_new(&shell_ops, hs, name);
	if (opt->become == HOST_BECOME_NONE ||
	    host_shells_become(hs->shells, opt, &hs->base, deadline, err) == 0)
		return &hs->base;
	/* the login was there: by ssh(1) sudo would say the same */
	*beyond = false;
	ssh_close(&hs->base);
	return NULL;
}
