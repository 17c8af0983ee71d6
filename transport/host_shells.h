/* SPDX-License-Identifier: MIT */
/*
 * host_shells: the shells (host_shell.h) that a host's commands run in.
 *
 * One is enough for commands that come one after another. A command that finds
 * it in use waits a little, and only then is another shell opened, which is one
 * more login. A host may refuse one more (MaxSessions): then commands wait for
 * each other. All calls are for tasks only.
 */
#ifndef TRANSPORT_HOST_SHELLS_H
#define TRANSPORT_HOST_SHELLS_H

#include "transport/host_options.h"
#include "transport/host_shell.h"

struct host_shells;

/* As host_shell_open(), once for each. Opens none yet. */
struct host_shells *host_shells_new(const struct host_shell_ops *ops,
				    void *back_end, const char *host);
/*
 * All shells are to be root's, by sudo: opens the first one, and nobody is
 * asked after that. @opt is borrowed for the call. Fills login (0: root, who
 * need not become anything) and become of @host, which owns @l. Errors of
 * host_shell_open().
 */
int host_shells_become(struct host_shells *l, const struct host_options *opt,
		       struct host *host, struct mono deadline,
		       struct err *err);
/* Nobody may be waiting or running. NULL is fine. */
void host_shells_free(struct host_shells *l);

/* As host_run(), and ERR_AUTH, ERR_BECOME of host_shell_open(). */
int host_shells_run(struct host_shells *l, const struct host_command *cmd,
		    struct host_result *result, struct err *err);

#endif
