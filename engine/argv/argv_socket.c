/* SPDX-License-Identifier: MIT */
/* argv_socket: the path of a UNIX socket in an option. */
#include "engine/argv/argv_socket.h"

#include <stdlib.h>
#include <string.h>

#include "transport/base/xalloc.h"

void argv_socket_split(const char *value, char **lead, const char **rest)
{
	const char *p = value;
	size_t len;

	if (!strncmp(p, "mon:", 4))
		p += 4;
	len = strcspn(p, ":/,=");
	if (p[len] == ':')
		p += len + 1;
	*lead = xstrndup(value, (size_t)(p - value));
	*rest = p;
}

static bool found(struct argv_socket *s, const char *key, size_t skip)
{
	for (size_t i = s->opt.n; i--;) {
		const char *value = s->opt.v[i].value;

		if (strcmp(argv_opt_key(&s->opt, i), key) != 0)
			continue;
		if (!value || strlen(value) <= skip)
			return false;
		s->at = i;
		s->skip = skip;
		s->path = xstrdup(value + skip);
		return true;
	}
	return false;
}

static bool binds(struct argv_socket *s, const char *key)
{
	return argv_opt_bool(&s->opt, "server", false) &&
	       !argv_opt_bool(&s->opt, "abstract", false) && found(s, key, 0);
}

static bool find_line(const struct argv_item *it, struct argv_socket *s)
{
	const char *rest;
	size_t len;

	argv_socket_split(it->value, &s->lead, &rest);
	len = strlen(s->lead);
	if (len < 5 || strcmp(s->lead + len - 5, "unix:") != 0)
		return false;
	argv_opt_init(&s->opt, rest, "path");
	s->chardev = true;
	return binds(s, "path");
}

static bool find_chardev(struct argv_socket *s)
{
	s->chardev = true;
	return argv_opt_is(&s->opt, "backend", "socket") && binds(s, "path");
}

static bool find_netdev(struct argv_socket *s)
{
	if (argv_opt_is(&s->opt, "type", "stream"))
		return argv_opt_is(&s->opt, "addr.type", "unix") &&
		       binds(s, "addr.path");
	return argv_opt_is(&s->opt, "type", "dgram") &&
	       argv_opt_is(&s->opt, "local.type", "unix") &&
	       found(s, "local.path", 0);
}

static bool find_vnc(const struct argv_item *it, struct argv_socket *s)
{
	const char *text = it->value;

	if (!strcmp(it->def->name, "display")) {
		if (strncmp(text, "vnc=", 4) != 0)
			return false;
		s->lead = xstrdup("vnc=");
		text += 4;
	}
	argv_opt_init(&s->opt, text, "vnc");
	return s->opt.n && s->opt.v[0].value &&
	       !strncmp(s->opt.v[0].value, "unix:", 5) && found(s, "vnc", 5);
}

static bool find_opt(const struct argv_item *it, struct argv_socket *s)
{
	const char *name = it->def->name;

	if (!strcmp(name, "vnc") || !strcmp(name, "display"))
		return find_vnc(it, s);
	argv_opt_init(&s->opt, it->value, it->def->implied);
	if (!strcmp(name, "chardev"))
		return find_chardev(s);
	if (!strcmp(name, "netdev") || !strcmp(name, "nic") ||
	    !strcmp(name, "net"))
		return find_netdev(s);
	return !strcmp(name, "spice") &&
	       argv_opt_bool(&s->opt, "unix", false) && found(s, "addr", 0);
}

static bool find(const struct argv_item *it, struct argv_socket *s)
{
	if (!it->def || !it->value)
		return false;
	switch (it->def->syntax) {
	case ARGV_SYNTAX_CHARDEV:
		return find_line(it, s);
	case ARGV_SYNTAX_OPT:
		return find_opt(it, s);
	case ARGV_SYNTAX_PLAIN:
		break;
	}
	if ((strcmp(it->def->name, "pidfile") != 0 &&
	     strcmp(it->def->name, "D") != 0) ||
	    !*it->value)
		return false;
	s->whole = true;
	s->path = xstrdup(it->value);
	return true;
}

bool argv_socket_find(const struct argv_item *it, struct argv_socket *s)
{
	*s = (struct argv_socket){ .path = NULL };
	if (find(it, s))
		return true;
	argv_socket_fini(s);
	return false;
}

void argv_socket_fini(struct argv_socket *s)
{
	argv_opt_fini(&s->opt);
	free(s->lead);
	free(s->path);
	*s = (struct argv_socket){ .path = NULL };
}

char *argv_socket_with(struct argv_socket *s, const char *path)
{
	AUTO_FREE char *value = NULL;
	AUTO_FREE char *text = NULL;

	if (s->whole)
		return xstrdup(path);
	value = xasprintf("%.*s%s", (int)s->skip, s->opt.v[s->at].value, path);
	argv_opt_set_at(&s->opt, s->at, value);
	text = argv_opt_text(&s->opt);
	return xasprintf("%s%s", s->lead ? s->lead : "", text);
}
