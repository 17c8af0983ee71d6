/* SPDX-License-Identifier: MIT */
/* ssh_dial: the connection that an SSH session runs on. */
#include "transport/ssh_dial.h"

#include <stdlib.h>
#include <string.h>

#include "transport/base/xalloc.h"
#include "transport/child.h"
#include "transport/ssh_argv.h"
#include "transport/stream_fd.h"

enum { LAST_WORDS_MS = 300, WORDS_MAX = 4096 };

struct ssh_proxy {
	struct child *child;
	struct stream *words; /* its stderr */
};

/* --- which child --------------------------------------------------------- */

static void push_hop(struct strv *argv, const char *hop)
{
	const char *host = hop, *at = strrchr(hop, '@');
	const char *colon;

	if (!strncmp(hop, "ssh://", 6)) {
		strv_push(argv, "--");
		strv_push(argv, hop);
		return;
	}
	if (at) {
		strv_push(argv, "-l");
		strv_take(argv, xstrndup(hop, (size_t)(at - hop)));
		host = at + 1;
	}
	colon = strrchr(host, ':');
	if (colon &&
	    (*host == '[' ? colon[-1] == ']' : strchr(host, ':') == colon)) {
		strv_push(argv, "-p");
		strv_push(argv, colon + 1);
	} else {
		colon = host + strlen(host);
	}
	strv_push(argv, "--");
	if (*host == '[' && colon[-1] == ']')
		strv_take(argv, xstrndup(host + 1, (size_t)(colon - host) - 2));
	else
		strv_take(argv, xstrndup(host, (size_t)(colon - host)));
}

/* With several hops the last one is given the others as its way. */
void ssh_dial_jump_argv(struct strv *argv, const struct ssh_config *c,
			const struct ssh_dial_options *o)
{
	const char *last = strrchr(c->proxy_jump, ',');

	strv_push(argv, "ssh");
	if (o->config_file) {
		strv_push(argv, "-F");
		strv_push(argv, o->config_file);
	}
	if (!o->interactive) {
		strv_push(argv, "-o");
		strv_push(argv, "BatchMode=yes");
	}
	if (last) {
		strv_push(argv, "-J");
		strv_take(argv, xstrndup(c->proxy_jump,
					 (size_t)(last - c->proxy_jump)));
	}
	strv_push(argv, "-W");
	strv_pushf(argv, "[%s]:%s", c->hostname, c->port);
	push_hop(argv, last ? last + 1 : c->proxy_jump);
}

static void command_argv(struct strv *argv, const struct ssh_config *c)
{
	strv_push(argv, "sh");
	strv_push(argv, "-c");
	strv_pushf(argv, "exec %s", c->proxy_command);
}

/* --- starting and ending it ---------------------------------------------- */

static int start_proxy(const struct ssh_config *c,
		       const struct ssh_dial_options *o,
		       struct ssh_proxy **proxy, struct err *err)
{
	AUTO_STRV struct strv argv = { .v = NULL }, env = { .v = NULL };
	struct child_spec spec = {
		.in = CHILD_FD_SOCKET,
		.out = CHILD_FD_SOCKET,
		.err = CHILD_FD_PIPE,
		.new_session = !o->interactive,
	};
	struct child *child;

	if (!o->interactive) {
		ssh_argv_silent_env(&env);
		spec.env = strv_argv(&env);
	}
	if (c->proxy_jump)
		ssh_dial_jump_argv(&argv, c, o);
	else
		command_argv(&argv, c);
	spec.argv = (const char *const *)strv_argv(&argv);
	child = child_start(&spec, err);
	if (!child)
		return err_wrap(err, ERR_NONE, "cannot start the proxy for %s",
				c->hostname);
	*proxy = XNEW(struct ssh_proxy);
	(*proxy)->child = child;
	(*proxy)->words = stream_fd_new(child_take_stderr(child), -1);
	return child_take_stdout(child);
}

int ssh_dial(const struct ssh_config *c, const struct ssh_dial_options *o,
	     struct ssh_proxy **proxy, struct mono deadline, struct err *err)
{
	struct mono limit = deadline;

	*proxy = NULL;
	if (c->proxy_jump || c->proxy_command)
		return start_proxy(c, o, proxy, err);
	if (c->connect_timeout_s > 0)
		limit = mono_min(limit,
				 mono_in_ms(c->connect_timeout_s * 1000LL));
	return stream_fd_dial_tcp(c->hostname, c->port, limit, err);
}

void ssh_proxy_free(struct ssh_proxy *p)
{
	if (!p)
		return;
	child_free(p->child);
	stream_close(p->words);
	free(p);
}

void ssh_proxy_explain(struct ssh_proxy *p, struct err *err)
{
	struct mono limit = mono_in_ms(LAST_WORDS_MS);
	AUTO_BUF struct buf words = { .base = NULL };
	AUTO_ERR struct err outer = { 0 };
	AUTO_FREE char *text = NULL;
	ssize_t n;

	if (!p || !err)
		return;
	do {
		void *room = buf_reserve(&words, WORDS_MAX);

		n = stream_read(p->words, room, WORDS_MAX, limit, NULL);
		if (n > 0)
			buf_commit(&words, (size_t)n);
	} while (n > 0 && buf_len(&words) < WORDS_MAX);
	while (buf_len(&words) && buf_data(&words)[buf_len(&words) - 1] == '\n')
		buf_truncate(&words, buf_len(&words) - 1);
	if (!buf_len(&words))
		return;
	text = err_text(err);
	err_move(&outer, err);
	err_set(err, outer.kind, "the proxy said: %s", buf_data(&words));
	err_wrap(err, outer.kind, "%s", text);
	if (err_host_of(&outer))
		err_at_host(err, err_host_of(&outer));
	if (err_hint_of(&outer))
		err_hint(err, "%s", err_hint_of(&outer));
}
