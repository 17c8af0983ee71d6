/* SPDX-License-Identifier: MIT */
/* guard: the engine's side of its guardian. */
#include "engine/run/guard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport/base/buf.h"
#include "transport/base/log.h"
#include "transport/base/strv.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/child.h"

enum {
	MAX_RESTARTS = 3,
	REAP_MS = 300,
	CHUNK = 4096,
	ANSWER_MAX = 64 * 1024,
};

struct guard {
	struct strv argv;
	const char *file;
	char *password; /* NULL: none */
	struct child *child;
	int fd;
	int restarts;
	struct task *task;
};

static void stop(struct guard *g)
{
	close_fd(steal_fd(&g->fd));
	child_free(STEAL(g->child));
}

static bool send_all(const struct guard *g, const char *data, size_t len)
{
	return send(g->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT) ==
	       (ssize_t)len;
}

/* The socket is new, and has room for it. */
static int send_password(struct guard *g, struct err *err)
{
	AUTO_FREE char *length = xasprintf("%zu\n", strlen(g->password));

	if (send_all(g, length, strlen(length)) &&
	    send_all(g, g->password, strlen(g->password)))
		return 0;
	err_sys(err, errno, "cannot send the guardian sudo's password");
	stop(g);
	return -1;
}

static int start(struct guard *g, struct err *err)
{
	const struct child_spec spec = {
		.file = g->file,
		.argv = (const char *const *)strv_argv(&g->argv),
		.in = CHILD_FD_SOCKET,
		.out = CHILD_FD_SOCKET,
		.err = CHILD_FD_NULL,
		.new_session = true,
	};

	g->child = child_start(&spec, err);
	if (!g->child)
		return -1;
	g->fd = child_take_stdout(g->child);
	return g->password ? send_password(g, err) : 0;
}

/* A full socket is a guardian that was stopped: it will see the newest. */
static bool say(const struct guard *g, enum guard_word word)
{
	char byte = (char)word;

	return send(g->fd, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1 ||
	       errno == EAGAIN;
}

static void replace(struct guard *g)
{
	AUTO_ERR struct err e = { 0 };

	stop(g);
	log_warn(NULL, "the guardian died");
	if (g->restarts++ < MAX_RESTARTS && start(g, &e) == 0)
		return;
	log_warn(NULL, "no guardian any more: after a crash of this process "
		       "`vmferry recover` is needed");
}

static void beat(void *arg)
{
	struct guard *g = arg;

	do {
		if (g->fd >= 0 && !say(g, GUARD_BEAT))
			replace(g);
	} while (task_sleep_until(mono_in_ms(GUARD_BEAT_MS), NULL) == 0);
}

static void add(struct strv *words, const char *option, const char *value)
{
	if (value)
		strv_pushf(words, "--%s=%s", option, value);
}

/* The login is said once more; everything else is in the journal. */
static void make_words(struct strv *words, const struct migrate_options *opt,
		       const char *run, bool password)
{
	static const char *const ssh[] = {
		[HOST_SSH_AUTO] = "auto",
		[HOST_SSH_LIBSSH2] = "libssh2",
		[HOST_SSH_OPENSSH] = "openssh",
	};
	static const char *const become[] = {
		[HOST_BECOME_NONE] = "none",
		[HOST_BECOME_SUDO] = "sudo",
	};

	strv_push(words, "vmferry");
	strv_push(words, "guardian");
	add(words, "state-dir", opt->state_dir);
	add(words, "identity", opt->ssh.identity);
	add(words, "known-hosts", opt->ssh.known_hosts);
	add(words, "ssh-config", opt->ssh.ssh_config);
	add(words, "ssh", ssh[opt->ssh.backend]);
	add(words, "become", become[opt->ssh.become]);
	strv_pushf(words, "--watch-source=%g", opt->watch_source_s);
	strv_push(words, "--");
	strv_push(words, opt->destination);
	strv_pushf(words, "%d", (int)gettid());
	strv_push(words, run);
	if (password)
		strv_push(words, GUARD_PASSWORD);
}

static void free_all(struct guard *g)
{
	if (g->password)
		explicit_bzero(g->password, strlen(g->password));
	free(g->password);
	strv_free(&g->argv);
	free(g);
}

struct guard *guard_start(const struct migrate_options *opt, const char *run,
			  const char *password, struct err *err)
{
	struct guard *g = XNEW(struct guard);

	*g = (struct guard){ .file = opt->guardian, .fd = -1 };
	g->password = xstrdup(password);
	make_words(&g->argv, opt, run, password != NULL);
	if (start(g, err) == 0) {
		g->task = task_start(task_loop(), "guard", beat, g);
		return g;
	}
	free_all(g);
	return NULL;
}

/* True with the last line of an answer; takes whole lines from @b. */
static bool take_lines(struct buf *b, struct strv *out)
{
	const char *end;

	while ((end = memchr(buf_data(b), '\n', buf_len(b)))) {
		const char *line = buf_data(b);
		size_t len = (size_t)(end - line);
		bool last = len && *line == GUARD_SEEN;

		if (len && *line == GUARD_TWIN)
			strv_take(out, xstrndup(line + 1, len - 1));
		buf_consume(b, len + 1);
		if (last)
			return true;
	}
	return false;
}

int guard_look(struct guard *g, struct strv *out, struct mono deadline)
{
	AUTO_BUF struct buf b = { 0 };

	if (g->fd < 0 || !say(g, GUARD_LOOK))
		return -1;
	for (;;) {
		ssize_t n = recv(g->fd, buf_reserve(&b, CHUNK), CHUNK,
				 MSG_DONTWAIT);

		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) ||
		    buf_len(&b) > ANSWER_MAX)
			return -1;
		if (n > 0)
			buf_commit(&b, (size_t)n);
		if (take_lines(&b, out))
			return 0;
		if (n < 0 && task_wait_fd(g->fd, EPOLLIN, deadline, NULL) < 0)
			return -1;
	}
}

void guard_end(struct guard *g, enum guard_word last)
{
	bool finished = last != GUARD_BEAT;

	if (!g)
		return;
	task_cancel(g->task);
	task_join(g->task);
	if (finished && g->fd >= 0)
		(void)say(g, last);
	close_fd(g->fd);
	/*
	 * A guardian that was sent away exits at once. Any other takes
	 * over, and is a child of this process until that ends.
	 */
	if (finished && g->child)
		(void)child_wait(g->child, mono_in_ms(REAP_MS), NULL, NULL);
	child_leave(g->child);
	free_all(g);
}
