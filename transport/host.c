/* SPDX-License-Identifier: MIT */
/* host: a machine that we act on, near or far, by one interface. */
#include "transport/host.h"

#include <stdlib.h>
#include <string.h>

#include "transport/base/log.h"
#include "transport/base/xalloc.h"
#include "transport/host_become.h"
#include "transport/quote.h"

enum { DEFAULT_MAX_OUTPUT = 1024 * 1024 };

void host_result_free(struct host_result *r)
{
	buf_free(&r->out);
	buf_free(&r->err);
	r->status = 0;
}

const char *host_name(const struct host *h)
{
	return h->name;
}

bool host_is_local(const struct host *h)
{
	return !strcmp(h->ops->backend, "local");
}

const char *host_backend(const struct host *h)
{
	return h->ops->backend;
}

bool host_becomes(const struct host *h, uid_t *login)
{
	if (login)
		*login = h->login;
	return h->login != 0;
}

const char *host_sudo_password(const struct host *h)
{
	return h && h->become ? host_become_password(h->become) : NULL;
}

/* Every failure says where; a local one is where the user is anyway. */
static int at(const struct host *h, int rc, struct err *err)
{
	if (rc < 0 && !host_is_local(h) && !err_host_of(err))
		err_at_host(err, h->name);
	return rc;
}

int host_run(struct host *h, const struct host_command *cmd,
	     struct host_result *result, struct err *err)
{
	AUTO_FREE char *line = quote_argv(cmd->argv);
	struct host_command c = *cmd;
	int rc;

	if (!c.max_output)
		c.max_output = DEFAULT_MAX_OUTPUT;
	host_result_free(result);
	rc = at(h, h->ops->run(h, &c, result, err), err);
	if (!rc)
		log_debug(h->name, "%s: status %d", line, result->status);
	else
		log_debug(h->name, "%s: failed", line);
	return rc;
}

struct stream *host_connect(struct host *h, const char *path,
			    struct mono deadline, struct err *err)
{
	struct stream *s = h->ops->connect(h, path, deadline, err);

	at(h, s ? 0 : -1, err);
	return s;
}

struct tunnel *host_tunnel(struct host *h, const char *path,
			   struct mono deadline, struct err *err)
{
	struct tunnel *t = h->ops->tunnel(h, path, deadline, err);

	at(h, t ? 0 : -1, err);
	return t;
}

struct tunnel *host_tunnel_command(struct host *h, const char *const *argv,
				   struct mono deadline, struct err *err)
{
	struct tunnel *t = h->ops->tunnel_command(h, argv, deadline, err);

	at(h, t ? 0 : -1, err);
	return t;
}

int host_alive(struct host *h, int silence_ms, struct err *err)
{
	return at(h, h->ops->alive(h, silence_ms, err), err);
}

int host_ping(struct host *h, struct mono deadline, struct err *err)
{
	return at(h, h->ops->ping(h, deadline, err), err);
}

void host_close(struct host *h)
{
	if (h)
		h->ops->close(h);
}
