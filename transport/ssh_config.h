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

/* StrictHostKeyChecking */
enum ssh_strict {
	SSH_STRICT_ASK,	       /* an unknown key is asked for */
	SSH_STRICT_YES,	       /* and refused */
	SSH_STRICT_ACCEPT_NEW, /* and added */
	SSH_STRICT_NO,	       /* and, for ssh(1), a changed one is no matter */
};

/* A zeroed struct is empty; all strings are owned. */
struct ssh_config {
	char *hostname;
	char *port;
	char *user;
	struct strv identities;	      /* paths of private keys, in order */
	struct strv user_known_hosts; /* paths; the first one takes new keys */
	struct strv global_known_hosts;
	enum ssh_strict strict;
	bool hash_known_hosts;
	char *hostkey_alias; /* NULL: none */
	bool identities_only;
	char *agent;	  /* IdentityAgent: path, "none", NULL: the default */
	char *proxy_jump; /* NULL: none */
	char *proxy_command;   /* NULL: none; tokens not yet expanded */
	int connect_timeout_s; /* 0: none */

	/* ways to log in; ssh(1) has gssapi and hostbased, we have not */
	bool batch; /* nobody is asked anything */
	bool no_publickey, no_password, no_keyboard_interactive;
	bool gssapi, hostbased;
	char *authentications; /* in this order; NULL: the usual one */
	int password_prompts;  /* 0: 3 */

	/* what may be negotiated, comma-separated; NULL: what we like */
	char *ciphers, *macs, *kex;

	/* Lines of `ssh -G` that libssh2 cannot follow; see ssh_limits.h. */
	struct strv beyond;
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

/*
 * The settings for @t, ready for use: tokens expanded, @opt applied. Without an
 * ssh client here, those of ssh(1) where nothing is configured.
 */
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
