/* SPDX-License-Identifier: MIT */
/*
 * host_local: this machine as a host: commands and UNIX sockets without
 * anything in between.
 */
#include "transport/host_local.h"

#include <stdlib.h>

#include "transport/base/xalloc.h"
#include "transport/child.h"
#include "transport/stream_fd.h"
#include "transport/tunnel_fd.h"

/* A failure to start is reported as on another machine. */
static int as_remote(struct err *err)
{
	if (err && err->kind == ERR_SYSTEM)
		err->kind = ERR_REMOTE;
	return -1;
}

static int local_run(struct host *h, const struct host_command *cmd,
		     struct host_result *result, struct err *err)
{
	(void)h;
	if (child_run(cmd->argv, cmd->input, cmd->input_len, cmd->max_output,
		      cmd->deadline, &result->status, &result->out,
		      &result->err, err) == 0)
		return 0;
	return as_remote(err);
}

static struct stream *local_connect(struct host *h, const char *path,
				    struct mono deadline, struct err *err)
{
	(void)h;
	return stream_fd_connect_unix(path, deadline, err);
}

static struct tunnel *local_tunnel(struct host *h, const char *path,
				   struct mono deadline, struct err *err)
{
	int fd = stream_fd_dial_unix(path, deadline, err);

	return fd < 0 ? NULL
		      : tunnel_fd_new(h->name, fd, NULL, NULL, deadline, err);
}

static void command_release(void *carrier)
{
	child_free(carrier);
}

static const struct tunnel_fd_carrier command_carrier = {
	.release = command_release,
};

static struct tunnel *local_tunnel_command(struct host *h,
					   const char *const *argv,
					   struct mono deadline,
					   struct err *err)
{
	const struct child_spec spec = {
		.argv = argv,
		.in = CHILD_FD_SOCKET,
		.out = CHILD_FD_SOCKET,
		.err = CHILD_FD_NULL,
		.new_session = true,
	};
	struct child *c = child_start(&spec, err);

	if (c)
		return tunnel_fd_new(h->name, child_take_stdout(c),
				     &command_carrier, c, deadline, err);
	as_remote(err);
	return NULL;
}

static int local_alive(struct host *h, int silence_ms, struct err *err)
{
	(void)h;
	(void)silence_ms;
	(void)err;
	return 0;
}

static int local_ping(struct host *h, struct mono deadline, struct err *err)
{
	(void)h;
	(void)deadline;
	(void)err;
	return 0;
}

static void local_close(struct host *h)
{
	free(h->name);
	free(h);
}

static const struct host_ops local_ops = {
	.backend = "local",
	.run = local_run,
	.connect = local_connect,
	.tunnel = local_tunnel,
	.tunnel_command = local_tunnel_command,
	.alive = local_alive,
	.ping = local_ping,
	.close = local_close,
};

struct host *host_local_new(void)
{
	struct host *h = XNEW(struct host);

	*h = (struct host){ .ops = &local_ops, .name = xstrdup("local") };
	return h;
}
