/* SPDX-License-Identifier: MIT */
/* ssh_argv: the words for ssh(1) that say how the caller wants to log in. */
#include "transport/ssh_argv.h"

#include <string.h>
#include <unistd.h>

#include "transport/base/buf.h"

static void push_option(struct strv *argv, const char *flag, const char *value)
{
	if (!value)
		return;
	strv_push(argv, flag);
	strv_push(argv, value);
}

/* A file's name as ssh reads it: % expands, spaces separate. */
static void push_file(struct strv *argv, const char *option, const char *path)
{
	struct buf b = { .base = NULL };

	buf_printf(&b, "%s=\"", option);
	for (; *path; path++) {
		if (*path == '%')
			buf_append(&b, "%", 1);
		if (*path == '"' || *path == '\\')
			buf_append(&b, "\\", 1);
		buf_append(&b, path, 1);
	}
	buf_append(&b, "\"", 1);
	strv_push(argv, "-o");
	strv_take(argv, buf_steal(&b));
}

void ssh_argv_login(struct strv *argv, const struct host_target *t,
		    const struct host_options *opt)
{
	push_option(argv, "-F", opt->ssh_config);
	push_option(argv, "-l", t->user);
	push_option(argv, "-p", t->port);
	if (opt->accept_new_host_key)
		push_option(argv, "-o", "StrictHostKeyChecking=accept-new");
	if (!opt->ask)
		push_option(argv, "-o", "BatchMode=yes");
	if (opt->identity)
		push_file(argv, "IdentityFile", opt->identity);
	if (opt->known_hosts) {
		push_file(argv, "UserKnownHostsFile", opt->known_hosts);
		push_option(argv, "-o", "GlobalKnownHostsFile=/dev/null");
	}
}

void ssh_argv_silent_env(struct strv *env)
{
	static const char require[] = "SSH_ASKPASS_REQUIRE=";

	for (char *const *e = environ; *e; e++) {
		if (strncmp(*e, require, strlen(require)) != 0)
			strv_push(env, *e);
	}
	strv_pushf(env, "%snever", require);
}
