/* SPDX-License-Identifier: MIT */
/* host_open: from the user's word for a machine to a host one can act on. */
#include "transport/host_open.h"

#include <errno.h>
#include <unistd.h>

#include "transport/base/xalloc.h"
#include "transport/host_openssh.h"
#include "transport/host_ssh.h"
#include "transport/host_target.h"

static void notify_fallback(const struct host_options *opt, const char *name,
			    const struct err *why)
{
	AUTO_FREE char *reason = err_text(why);
	AUTO_FREE char *text = NULL;

	if (!opt->notify)
		return;
	text = xasprintf("using ssh(1) for %s: libssh2 cannot (%s)", name,
			 reason);
	opt->notify(opt->arg, HOST_NOTE_SSH, text);
}

/*
 * Where libssh2 lacks something that ssh(1) has, ssh(1) is tried. When it
 * cannot either, the first failure says more about what to do.
 */
static struct host *open_auto(const struct host_target *t, const char *name,
			      const struct host_options *opt,
			      struct mono deadline, struct err *err)
{
	AUTO_ERR struct err first = { 0 }, second = { 0 };
	bool beyond = false;
	struct host *h;

	h = host_ssh_open(t, name, opt, &beyond, deadline, &first);
	if (h)
		return h;
	if (!beyond) {
		err_move(err, &first);
		return NULL;
	}
	notify_fallback(opt, name, &first);
	h = host_openssh_open(t, opt, deadline, &second);
	if (!h)
		err_move(err, second.kind == ERR_SYSTEM ? &first : &second);
	return h;
}

/* As users mean it, -i is a file: ssh(1) would go on without it. */
static int check_identity(const struct host_options *opt, struct err *err)
{
	const char *path = opt->identity;
	AUTO_FREE char *half = NULL;
	int errnum;

	/* ~ is expanded later */
	if (!path || *path == '~' || access(path, R_OK) == 0)
		return 0;
	errnum = errno;
	/* the agent may have the other half */
	half = xasprintf("%s.pub", path);
	if (access(half, R_OK) == 0)
		return 0;
	err_sys(err, errnum, "cannot read the identity %s", path);
	if (err)
		err->kind = ERR_USAGE;
	return -1;
}

static struct host *open_far(const struct host_target *t, const char *name,
			     const struct host_options *opt,
			     struct mono deadline, struct err *err)
{
	bool beyond;

	if (check_identity(opt, err) < 0)
		return NULL;
	switch (opt->backend) {
	case HOST_SSH_LIBSSH2:
		return host_ssh_open(t, name, opt, &beyond, deadline, err);
	case HOST_SSH_OPENSSH:
		return host_openssh_open(t, opt, deadline, err);
	default:
		return open_auto(t, name, opt, deadline, err);
	}
}

struct host *host_open(const char *target, const struct host_options *opt,
		       struct mono deadline, struct err *err)
{
	struct host_target t;
	struct host *h;

	if (host_target_parse(&t, target, err) < 0)
		return NULL;
	h = t.local ? host_local_new()
		    : open_far(&t, target, opt, deadline, err);
	if (!h)
		err_at_host(err, target);
	host_target_free(&t);
	return h;
}
