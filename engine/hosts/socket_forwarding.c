/* SPDX-License-Identifier: MIT */
/* socket_forwarding: whether an SSH server connects to UNIX sockets. */
#include "engine/hosts/socket_forwarding.h"

#include <stdlib.h>
#include <string.h>

#include "engine/hosts/admit.h"
#include "engine/hosts/answer.h"
#include "engine/hosts/probe.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/quote.h"
#include "transport/stream.h"

extern const char socket_forwarding_begin_sh[], socket_forwarding_end_sh[];

enum {
	LISTENS_S = 30, /* at most */
	TRIES = 3,	/* the name is there a moment before it listens */
	RETRY_MS = 50,
	END_MS = 5000,
};

/* What listens there. */
struct listener {
	char *socket;
	pid_t pid;
	char *ticks;
};

static void listener_free(struct listener *l)
{
	free(l->socket);
	free(l->ticks);
}

static int begin(struct host *h, const char *qemu, struct listener *l,
		 struct mono deadline, struct err *err)
{
	AUTO_BUF struct buf script = { 0 };
	AUTO_BUF struct buf text = { 0 };
	AUTO_FREE char *pid = NULL;
	uid_t login;

	(void)host_becomes(h, &login);
	*l = (struct listener){ .socket = NULL };
	quote_assign(&script, "qemu", qemu ? qemu : "");
	buf_printf(&script, "seconds=%d login=%u\n%s%s", LISTENS_S,
		   (unsigned int)login, admit_sh, socket_forwarding_begin_sh);
	if (probe_script(h, "socket", buf_data(&script), &text, deadline, err) <
	    0)
		return -1;
	l->socket = answer_value(buf_data(&text), "socket");
	pid = answer_value(buf_data(&text), "pid");
	l->pid = answer_pid(pid);
	l->ticks = answer_value(buf_data(&text), "ticks");
	return 0;
}

/* It ends by itself, too. */
static void end(struct host *h, const struct listener *l)
{
	AUTO_FREE char *dir = xstrndup(
		l->socket, (size_t)(strrchr(l->socket, '/') - l->socket));
	AUTO_BUF struct buf script = { 0 };
	AUTO_BUF struct buf text = { 0 };

	quote_assign(&script, "dir", dir);
	buf_printf(&script, "pid=%d\n", (int)l->pid);
	quote_assign(&script, "ticks", l->ticks);
	buf_printf(&script, "%s%s", admit_sh, socket_forwarding_end_sh);
	(void)probe_script(h, "socket", buf_data(&script), &text,
			   mono_in_ms(END_MS), NULL);
}

/* 1: it is, 0: it is not, for whatever reason the server has. */
static int connect_once(struct host *h, const char *path, struct mono deadline,
			struct err *err)
{
	AUTO_ERR struct err e = { 0 };
	struct stream *s = host_connect(h, path, deadline, &e);

	stream_close(s);
	if (s || e.kind == ERR_REMOTE)
		return s != NULL;
	err_move(err, &e);
	return -1;
}

static int try_it(struct host *h, const char *path, struct mono deadline,
		  struct err *err)
{
	int rc = 0;

	for (int i = 0; i < TRIES && rc == 0; i++) {
		if (i && task_sleep_until(mono_in_ms(RETRY_MS), err) < 0)
			return -1;
		rc = connect_once(h, path, deadline, err);
	}
	return rc;
}

int socket_forwarding_ask(struct host *h, const char *qemu,
			  enum socket_forwarding *out, struct mono deadline,
			  struct err *err)
{
	struct listener l;
	int rc = 0;

	*out = FORWARDING_WORKS;
	if (host_is_local(h))
		return 0;
	*out = FORWARDING_UNKNOWN;
	if (begin(h, qemu, &l, deadline, err) < 0)
		return -1;
	if (l.socket && l.socket[0] == '/' && l.pid && l.ticks) {
		rc = try_it(h, l.socket, deadline, err);
		*out = rc > 0 ? FORWARDING_WORKS : FORWARDING_REFUSED;
		end(h, &l);
	}
	listener_free(&l);
	return rc < 0 ? -1 : 0;
}
