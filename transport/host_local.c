/* SPDX-License-Identifier: MIT */
/*
 * host_local: this machine as a host: commands, files and UNIX sockets without
 * anything in between.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/child.h"
#include "transport/host_open.h"
#include "transport/stream_fd.h"
#include "transport/tunnel_fd.h"

/* File calls cannot be waited for; between pieces other tasks get a turn. */
enum { PIECE_BYTES = 256 * 1024 };

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

static int file_failed(struct err *err, int errnum, const char *what,
		       const char *path)
{
	err_sys(err, errnum, "cannot %s %s", what, path);
	if (err)
		err->kind = ERR_REMOTE;
	return -1;
}

/* Between two pieces of a file. */
static int next_piece(struct mono deadline, const char *path, struct err *err)
{
	task_yield();
	if (task_cancel_asked())
		return err_set(err, ERR_CANCELLED, "cancelled");
	if (!mono_before(mono_now(), deadline))
		return err_set(err, ERR_TIMEOUT, "timed out at %s", path);
	return 0;
}

static int write_all(int fd, const char *data, size_t len, const char *path,
		     struct mono deadline, struct err *err)
{
	while (len) {
		size_t piece = len < PIECE_BYTES ? len : PIECE_BYTES;
		ssize_t n = write(fd, data, piece);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return file_failed(err, errno, "write", path);
		data += n;
		len -= (size_t)n;
		if (len && next_piece(deadline, path, err) < 0)
			return -1;
	}
	return 0;
}

static int local_put(struct host *h, const char *path, mode_t mode,
		     const void *data, size_t len, struct mono deadline,
		     struct err *err)
{
	AUTO_FD int fd =
		open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		     0600);
	int rc;

	(void)h;
	if (fd < 0)
		return file_failed(err, errno, "create", path);
	rc = write_all(fd, data, len, path, deadline, err);
	/* the mode comes last and past the umask */
	if (!rc && fchmod(fd, mode) < 0)
		rc = file_failed(err, errno, "set the mode of", path);
	if (rc < 0)
		(void)unlink(path);
	return rc;
}

static int read_all(int fd, struct buf *out, size_t max, const char *path,
		    struct mono deadline, struct err *err)
{
	size_t got = 0;

	for (;;) {
		ssize_t n =
			read(fd, buf_reserve(out, PIECE_BYTES), PIECE_BYTES);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return file_failed(err, errno, "read", path);
		if (!n)
			return 0;
		buf_commit(out, (size_t)n);
		got += (size_t)n;
		if (got > max)
			return err_set(err, ERR_REMOTE,
				       "%s is larger than %zu bytes", path,
				       max);
		if (n == PIECE_BYTES && next_piece(deadline, path, err) < 0)
			return -1;
	}
}

static int local_get(struct host *h, const char *path, struct buf *out,
		     size_t max, struct mono deadline, struct err *err)
{
	/* non-blocking: opening a FIFO must not hang */
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	(void)h;
	if (fd < 0)
		return file_failed(err, errno, "read", path);
	return read_all(fd, out, max, path, deadline, err);
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

	return fd < 0 ? NULL : tunnel_fd_new(h->name, fd, NULL, NULL);
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

	(void)deadline;
	if (c)
		return tunnel_fd_new(h->name, child_take_stdout(c),
				     &command_carrier, c);
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
	.put = local_put,
	.get = local_get,
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
