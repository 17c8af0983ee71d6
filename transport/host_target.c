/* SPDX-License-Identifier: MIT */
/*
 * host_target: the user's word for a machine, taken apart.
 *
 * What is left becomes an argument of ssh(1) and part of messages, so a host
 * or user that begins with a dash or has odd bytes in it is refused.
 */
#include "transport/host_target.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "transport/base/xalloc.h"

void host_target_free(struct host_target *t)
{
	free(t->user);
	free(t->host);
	free(t->port);
	*t = (struct host_target){ .user = NULL };
}

static int bad_target(struct err *err, const char *target, const char *why)
{
	err_set(err, ERR_USAGE, "\"%s\" is not a host: %s", target, why);
	return err_hint(err, "write local, [user@]host[:port], or "
			     "ssh://[user@]host[:port]");
}

/* Printable ASCII without spaces and what shells and ssh(1) would twist. */
static bool is_plain(const char *s)
{
	if (!*s || *s == '-')
		return false;
	for (; *s; s++) {
		if (!isgraph((unsigned char)*s) ||
		    strchr("\"'`\\$;&|<>(){}", *s))
			return false;
	}
	return true;
}

static bool is_port(const char *s)
{
	size_t len = strlen(s);

	return len > 0 && len < 6 && strspn(s, "0123456789") == len &&
	       atoi(s) > 0 && atoi(s) < 65536;
}

/* Splits "host:port", "[v6]:port", "v6" at the end of the host, in place. */
static const char *split_port(char **host, char **port)
{
	char *end;

	*port = NULL;
	if (**host == '[') {
		end = strchr(*host, ']');
		if (!end)
			return "the bracket is not closed";
		(*host)++;
		*end++ = '\0';
		if (*end && *end != ':')
			return "after the bracket comes :port or nothing";
		*port = *end ? end + 1 : NULL;
		return NULL;
	}
	end = strchr(*host, ':');
	if (!end || strchr(end + 1, ':'))
		return NULL; /* no port, or an IPv6 address without one */
	*end = '\0';
	*port = end + 1;
	return NULL;
}

/* @text: without ssh://; taken apart in place. */
static const char *parse_parts(struct host_target *t, char *text)
{
	char *host = strrchr(text, '@');
	char *port;
	const char *why;

	if (host) {
		*host++ = '\0';
		if (!is_plain(text))
			return "that is no user name";
		t->user = xstrdup(text);
	} else {
		host = text;
	}
	why = split_port(&host, &port);
	if (why)
		return why;
	if (!is_plain(host) || strchr(host, '/'))
		return "that is no host name";
	if (port && !is_port(port))
		return "the port must be a number from 1 to 65535";
	t->host = xstrdup(host);
	t->port = xstrdup(port);
	return NULL;
}

int host_target_parse(struct host_target *t, const char *target,
		      struct err *err)
{
	AUTO_FREE char *text = NULL;
	const char *why;

	*t = (struct host_target){ .user = NULL };
	if (!strcmp(target, "local")) {
		t->local = true;
		t->host = xstrdup("local");
		return 0;
	}
	if (!strncmp(target, "ssh://", 6)) {
		size_t len = strlen(target + 6);

		if (len && target[6 + len - 1] == '/')
			len--;
		text = xstrndup(target + 6, len);
	} else {
		text = xstrdup(target);
	}
	why = parse_parts(t, text);
	if (!why)
		return 0;
	host_target_free(t);
	return bad_target(err, target, why);
}

char *host_target_words(const char *target)
{
	struct host_target t;
	char *words;

	if (host_target_parse(&t, target, NULL) < 0)
		return xstrdup(target);
	words = xasprintf("%s%s%s%s%s%s", t.port ? "-p " : "",
			  t.port ? t.port : "", t.port ? " " : "",
			  t.user ? t.user : "", t.user ? "@" : "", t.host);
	host_target_free(&t);
	return words;
}
