/* SPDX-License-Identifier: MIT */
/* plugged_net: a network backend as the option that would make it anew. */
#include "engine/guest/plugged_net.h"

#include <string.h>

#include "engine/argv/argv_opt.h"
#include "transport/base/buf.h"
#include "transport/base/xalloc.h"

/* Of user networking; another one would be in its net= alone. */
static const char usual_net[] = "10.0.2.0";

/* What is said of @id, to be freed; *@n counts its lines, one a queue. */
static char *line_of(const char *id, const char *network, int *n)
{
	AUTO_FREE char *mark = xasprintf("%s: index=", id);
	char *found = NULL;

	*n = 0;
	while (*network) {
		size_t len = strcspn(network, "\r\n");
		AUTO_FREE char *line = xstrndup(network, len);
		const char *text = line + strspn(line, " \\");

		if (!strncmp(text, mark, strlen(mark)) &&
		    !strstr(text, "type=nic")) {
			if (!found)
				found = xstrdup(text + strlen(id) + 2);
			(*n)++;
		}
		network += len;
		network += strspn(network, "\r\n");
	}
	return found;
}

/* Whether ports of this host lead to the backend @id. */
static bool has_forwards(const char *id, const char *usernet)
{
	AUTO_FREE char *mark = xasprintf("(%s):", id);
	const char *at = strstr(usernet, mark);
	const char *end = at ? strstr(at, "\nHub ") : NULL;
	const char *forward = at ? strstr(at, "HOST_FORWARD") : NULL;

	return forward && (!end || forward < end);
}

static void add(struct buf *b, const struct argv_opt *o, const char *key)
{
	const char *value = argv_opt_get(o, key);

	if (value) {
		AUTO_FREE char *safe = argv_opt_escape(value);

		buf_printf(b, ",%s=%s", key, safe);
	}
}

static int put(struct buf *b, const struct argv_opt *o, const char *id,
	       const char *usernet, struct err *err)
{
	const char *type = argv_opt_get(o, "type");

	if (type && !strcmp(type, "tap") && argv_opt_get(o, "ifname")) {
		buf_printf(b, "tap,id=%s", id);
		add(b, o, "ifname");
		add(b, o, "script");
		add(b, o, "downscript");
		return 0;
	}
	if (argv_opt_get(o, "helper") && argv_opt_get(o, "br")) {
		buf_printf(b, "bridge,id=%s", id);
		add(b, o, "br");
		add(b, o, "helper");
		return 0;
	}
	if (!type || strcmp(type, "user") != 0)
		return err_set(err, ERR_REFUSED, "its network %s is a %s", id,
			       type ? type : "backend of no known type");
	if (!argv_opt_is(o, "net", usual_net) || has_forwards(id, usernet))
		return err_set(err, ERR_REFUSED,
			       "its network %s has addresses or ports of its "
			       "own",
			       id);
	buf_printf(b, "user,id=%s", id);
	add(b, o, "restrict");
	return 0;
}

char *plugged_net(const char *id, const char *network, const char *usernet,
		  struct err *err)
{
	int queues;
	AUTO_FREE char *line = line_of(id, network, &queues);
	AUTO_OPT struct argv_opt o = { 0 };
	AUTO_BUF struct buf b = { 0 };

	if (!line || queues > 1) {
		err_set(err, ERR_REFUSED,
			line ? "its network %s has several queues"
			     : "its network %s is not reported by QEMU",
			id);
		return NULL;
	}
	argv_opt_init(&o, line, NULL);
	return put(&b, &o, id, usernet, err) < 0 ? NULL : buf_steal(&b);
}
