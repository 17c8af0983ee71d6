/* SPDX-License-Identifier: MIT */
/*
 * ssh_config: what the user's ssh configuration says about a host.
 *
 * ssh(1) itself resolves it (`ssh -G`), so that Host, Match, Include and so on
 * mean what they mean there. Without an ssh client the usual defaults hold.
 */
#ifndef TRANSPORT_SSH_CONFIG_H
#define TRANSPORT_SSH_CONFIG_H

#include <stdbool.h>

#include "transport/base/clock.h"
#include "transport/base/err.h"
#include "transport/base/strv.h"
#include "transport/host_options.h"
#include "transport/host_target.h"

/* A zeroed struct is empty; all strings are owned. */
struct ssh_config {
	char *hostname;
	char *port;
	char *user;
	struct strv identities;	 /* paths of private keys, in order */
	struct strv known_hosts; /* paths; the first one takes new keys */
	bool identities_only;
	char *agent;	  /* IdentityAgent: path, "none", NULL: the default */
	char *proxy_jump; /* NULL: none */
	char *proxy_command;   /* NULL: none; tokens not yet expanded */
	char *hostkey_alias;   /* NULL: none */
	int connect_timeout_s; /* 0: none */
};

/*
 * Reads the output of `ssh -G`; settings it does not know are skipped. Values
 * as they are written: no ~ or %-tokens are expanded.
 */
void ssh_config_parse(struct ssh_config *c, const char *text);
/* What ssh(1) takes where nothing is configured. @user: on this machine. */
void ssh_config_defaults(struct ssh_config *c, const char *hostname,
			 const char *user);
void ssh_config_free(struct ssh_config *c);

/* The settings for @t, ready for use: tokens expanded, @opt applied. */
int ssh_config_read(struct ssh_config *c, const struct host_target *t,
		    const struct host_options *opt, struct mono deadline,
		    struct err *err);

/*
 * @text with ~ (if it begins with it), %d, %h, %p, %r, %u, %n and %% replaced,
 * to be freed. @name is the host as the user wrote it, @home and @local_user
 * are of this machine.
 */
char *ssh_config_expand(const struct ssh_config *c, const char *text,
			const char *name, const char *home,
			const char *local_user);

#endif
