/* SPDX-License-Identifier: MIT */
/*
 * ssh_argv: the words for ssh(1) that say how the caller wants to log in.
 *
 * The same for `ssh -G`, which resolves the configuration for libssh2, and for
 * a child that logs in: so that both come to the same settings.
 */
#ifndef TRANSPORT_SSH_ARGV_H
#define TRANSPORT_SSH_ARGV_H

#include "transport/base/strv.h"
#include "transport/host_options.h"
#include "transport/host_target.h"

/*
 * Appends the options for a login to @t; the destination itself is not among
 * them. Without @opt->ask nobody is asked anything (BatchMode).
 */
void ssh_argv_login(struct strv *argv, const struct host_target *t,
		    const struct host_options *opt);

/*
 * The environment of an ssh(1) that asks nobody, nor does one that it starts
 * itself (ProxyJump), which BatchMode does not reach.
 */
void ssh_argv_silent_env(struct strv *env);

#endif
