/* SPDX-License-Identifier: MIT */
/*
 * host_openssh: a host reached through a child ssh(1). One login (openssh.h)
 * for control; each tunnel has a login, a process and a TCP connection of its
 * own, so that its bytes never wait behind others.
 */
#include "transport/host_openssh.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "transport/base/strv.h"
#include "transport/base/xalloc.h"
#include "transport/child.h"
#include "transport/openssh.h"
#include "transport/ssh_argv.h"
#include "transport/ssh_config.h"
#include "transport/stream_fd.h"
#include "transport/tunnel_fd.h"

struct host_openssh {
	struct host base;
	struct openssh *control;
	struct strv options; /* for further logins */
	char *ciphers;	     /* of those for tunnels; NULL: ssh's own choice */
	char *destination;
	bool ask;
};

static struct host_openssh *of(struct host *h)
{
	return (struct host_openssh *)h;
}

static int op_run(struct host *h, const struct host_command *cmd,
		  struct host_result *result, struct err *err)
{
	return openssh_run(of(h)->control, cmd, result, err);
}

/* --- connections --------------------------------------------------------- */

static struct stream *op_connect(struct host *h, const char *path,
				 struct mono deadline, struct err *err)
{
	int fd = openssh_connect(of(h)->control, path, deadline, err);

	return fd < 0 ? NULL : stream_fd_new(fd, fd);
}

/*
 * What a tunnel's bytes go through: a login of its own, or the control login,
 * seen through a descriptor that becomes readable at its end.
 */
struct carrier {
	struct openssh *login; /* NULL: shares the control login */
	int shared_end_fd;
	struct child *client; /* of a command, else NULL */
};

static int carrier_check(void *carrier, struct err *err)
{
	const struct carrier *c = carrier;
	struct pollfd p = { .fd = c->shared_end_fd, .events = POLLIN };

	if (c->login)
		return openssh_check(c->login, err);
	if (poll(&p, 1, 0) <= 0)
		return 0;
	return err_set(err, ERR_NETWORK, "the shared ssh connection is gone");
}

static void carrier_release(void *carrier)
{
	struct carrier *c = carrier;

	child_free(c->client);
	openssh_free(c->login);
	close_fd(c->shared_end_fd);
	free(c);
}

static const struct tunnel_fd_carrier carrier_ops = {
	.check = carrier_check,
	.release = carrier_release,
};

/* Nobody is asked in the middle of a migration. */
static struct openssh *login_again(const struct host_openssh *h,
				   struct mono deadline, struct err *err)
{
	AUTO_STRV struct strv options = { .v = NULL };
	const struct openssh_login login = {
		.options = &options,
		.destination = h->destination,
		.name = h->base.name,
	};

	if (h->ciphers) {
		strv_push(&options, "-o");
		strv_pushf(&options, "Ciphers=%s", h->ciphers);
	}
	strv_push_all(&options, &h->options);
	return openssh_new(&login, deadline, err);
}

static struct carrier *carrier_new(const struct host_openssh *h,
				   struct mono deadline, struct err *err)
{
	AUTO_ERR struct err e = { 0 };
	struct openssh *o = login_again(h, deadline, &e);
	struct carrier *c;

	if (!o && ((e.kind != ERR_AUTH && e.kind != ERR_HOSTKEY) || !h->ask)) {
		err_move(err, &e);
		return NULL;
	}
	c = XNEW(struct carrier);
	*c = (struct carrier){ .login = o, .shared_end_fd = -1 };
	/* what a person answered once serves the tunnel as well */
	if (!o)
		c->shared_end_fd =
			fcntl(openssh_end_fd(h->control), F_DUPFD_CLOEXEC, 0);
	return c;
}

static struct openssh *login_of(const struct host_openssh *h,
				const struct carrier *c)
{
	return c->login ? c->login : h->control;
}

/* Owns @c; @fd -1: it could not be opened. */
static struct tunnel *carry(const struct host_openssh *h, struct carrier *c,
			    int fd, struct mono deadline, struct err *err)
{
	if (fd >= 0)
		return tunnel_fd_new(h->base.name, fd, &carrier_ops, c,
				     deadline, err);
	carrier_release(c);
	return NULL;
}

static struct tunnel *op_tunnel(struct host *base, const char *path,
				struct mono deadline, struct err *err)
{
	const struct host_openssh *h = of(base);
	struct carrier *c = carrier_new(h, deadline, err);
	int fd;

	if (!c)
		return NULL;
	fd = openssh_connect(login_of(h, c), path, deadline, err);
	return carry(h, c, fd, deadline, err);
}

static struct tunnel *op_tunnel_command(struct host *base,
					const char *const *argv,
					struct mono deadline, struct err *err)
{
	const struct host_openssh *h = of(base);
	struct carrier *c = carrier_new(h, deadline, err);
	int fd;

	if (!c)
		return NULL;
	fd = openssh_command(login_of(h, c), argv, &c->client, deadline, err);
	return carry(h, c, fd, deadline, err);
}

/* --- the rest ------------------------------------------------------------ */

static int op_alive(struct host *h, int silence_ms, struct err *err)
{
	return openssh_alive(of(h)->control, silence_ms, err);
}

static int op_ping(struct host *h, struct mono deadline, struct err *err)
{
	return openssh_ping(of(h)->control, deadline, err);
}

static void op_close(struct host *base)
{
	struct host_openssh *h = of(base);

	openssh_free(h->control);
	strv_free(&h->options);
	free(h->ciphers);
	free(h->destination);
	free(h->base.name);
	free(h);
}

static const struct host_ops openssh_ops = {
	.backend = "openssh",
	.run = op_run,
	.connect = op_connect,
	.tunnel = op_tunnel,
	.tunnel_command = op_tunnel_command,
	.alive = op_alive,
	.ping = op_ping,
	.close = op_close,
};

static char *target_name(const struct host_target *t)
{
	bool v6 = t->port && strchr(t->host, ':');

	return xasprintf("%s%s%s%s%s%s%s", t->user ? t->user : "",
			 t->user ? "@" : "", v6 ? "[" : "", t->host,
			 v6 ? "]" : "", t->port ? ":" : "",
			 t->port ? t->port : "");
}

#define CHEAP "aes128-gcm@openssh.com"

/* Those that the configuration allows, one that costs little first. */
static char *tunnel_ciphers(const struct host_target *t,
			    const struct host_options *opt,
			    struct mono deadline)
{
	struct ssh_config c = { .hostname = NULL };
	AUTO_FREE char *list = NULL;
	char *all = NULL;

	if (ssh_config_read(&c, t, opt, deadline, NULL) == 0 && c.ciphers) {
		list = xasprintf(",%s,", c.ciphers);
		all = strstr(list, "," CHEAP ",")
			      ? xasprintf(CHEAP ",%s", c.ciphers)
			      : xstrdup(c.ciphers);
	}
	ssh_config_free(&c);
	return all;
}

struct host *host_openssh_open(const struct host_target *t,
			       const struct host_options *opt,
			       struct mono deadline, struct err *err)
{
	struct host_openssh *h = XNEW(struct host_openssh);
	struct openssh_login login;

	h->base = (struct host){ .ops = &openssh_ops, .name = target_name(t) };
	h->destination = xstrdup(t->host);
	h->ask = opt->ask != NULL;
	h->ciphers = tunnel_ciphers(t, opt, deadline);
	ssh_argv_login(&h->options, t, opt);
	login = (struct openssh_login){
		.options = &h->options,
		.destination = h->destination,
		.name = h->base.name,
		.ask = h->ask,
	};
	h->control = openssh_new(&login, deadline, err);
	if (h->control &&
	    (opt->become == HOST_BECOME_NONE ||
	     openssh_become(h->control, opt, &h->base, deadline, err) == 0))
		return &h->base;
	op_close(&h->base);
	return NULL;
}
