/* SPDX-License-Identifier: MIT */
/* argv_moves: sockets that are elsewhere than users know them. */
#include "engine/argv/argv_moves.h"

#include <stdlib.h>
#include <string.h>

#include "transport/base/buf.h"
#include "transport/base/xalloc.h"

void argv_moves_add(struct argv_moves *m, const char *now, const char *public)
{
	m->v = xrealloc(m->v, m->n + 1, sizeof(*m->v));
	m->v[m->n++] = (struct argv_move){ .now = xstrdup(now),
					   .public = xstrdup(public) };
}

static bool is_called(const struct argv_move *m, const char *name)
{
	const char *slash = strrchr(m->now, '/');

	return slash && !strcmp(slash + 1, name);
}

bool argv_moves_is_pidfile(const struct argv_move *m)
{
	return is_called(m, ARGV_MOVE_PIDFILE);
}

bool argv_moves_is_log(const struct argv_move *m)
{
	return is_called(m, ARGV_MOVE_LOG);
}

const char *argv_moves_log(const struct argv_moves *m)
{
	for (size_t i = 0; i < m->n; i++) {
		if (argv_moves_is_log(&m->v[i]))
			return m->v[i].public;
	}
	return NULL;
}

const char *argv_moves_public(const struct argv_moves *m, const char *now)
{
	for (size_t i = 0; i < m->n; i++) {
		if (!strcmp(m->v[i].now, now))
			return m->v[i].public;
	}
	return NULL;
}

void argv_moves_free(struct argv_moves *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->v[i].now);
		free(m->v[i].public);
		free(m->v[i].id);
	}
	free(m->v);
	*m = (struct argv_moves){ .v = NULL };
}

/* --- the mapping as text ------------------------------------------------- */

static void escape(struct buf *b, const char *s)
{
	for (; *s; s++) {
		if (*s == '\t')
			buf_append(b, "\\t", 2);
		else if (*s == '\n')
			buf_append(b, "\\n", 2);
		else if (*s == '\\')
			buf_append(b, "\\\\", 2);
		else
			buf_append(b, s, 1);
	}
}

char *argv_moves_encode(const struct argv_moves *m)
{
	struct buf b = { .base = NULL };

	buf_data(&b);
	for (size_t i = 0; i < m->n; i++) {
		escape(&b, m->v[i].now);
		buf_append(&b, "\t", 1);
		escape(&b, m->v[i].public);
		buf_append(&b, "\n", 1);
	}
	return buf_steal(&b);
}

/* Up to @len bytes of @s; NULL for an escape that we never write. */
static char *unescape(const char *s, size_t len)
{
	AUTO_BUF struct buf b = { .base = NULL };

	buf_data(&b);
	for (size_t i = 0; i < len; i++) {
		char c = s[i];

		if (c == '\\') {
			c = ++i < len ? s[i] : '\0';
			if (c != 't' && c != 'n' && c != '\\')
				return NULL;
			c = c == 't' ? '\t' : c == 'n' ? '\n' : '\\';
		}
		buf_append(&b, &c, 1);
	}
	return buf_steal(&b);
}

static int decode_line(const char *line, size_t len, struct argv_moves *m)
{
	const char *tab = memchr(line, '\t', len);
	AUTO_FREE char *now = NULL;
	AUTO_FREE char *public = NULL;

	if (!tab)
		return -1;
	now = unescape(line, (size_t)(tab - line));
	public = unescape(tab + 1, len - (size_t)(tab + 1 - line));
	if (!now || !public || *now != '/' || !*public)
		return -1;
	argv_moves_add(m, now, public);
	return 0;
}

int argv_moves_decode(const char *text, struct argv_moves *m, struct err *err)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		if (len && decode_line(text, len, m)) {
			argv_moves_free(m);
			return err_set(err, ERR_PROTOCOL,
				       "the environment of the guest's QEMU "
				       "has an unreadable " ARGV_ENV_SOCKETS
				       " line \"%.*s\"",
				       (int)len, text);
		}
		text += len + (text[len] == '\n');
	}
	return 0;
}
