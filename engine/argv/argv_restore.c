/* SPDX-License-Identifier: MIT */
/*
 * argv_restore: the public command line of a guest that vmferry may have
 * brought here, and the mapping that makes this possible.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/argv/argv.h"
#include "engine/argv/argv_item.h"
#include "engine/argv/argv_opt.h"
#include "engine/argv/argv_own.h"
#include "engine/argv/argv_socket.h"
#include "transport/base/buf.h"
#include "transport/base/xalloc.h"

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

char *argv_encode_moves(const struct socket_moves *m)
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

static int decode_line(const char *line, size_t len, struct socket_moves *m)
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
	socket_moves_add(m, now, public);
	return 0;
}

int argv_decode_moves(const char *text, struct socket_moves *m, struct err *err)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		if (len && decode_line(text, len, m)) {
			socket_moves_free(m);
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

/* --- the command line ---------------------------------------------------- */

bool argv_own_id(const char *id)
{
	size_t len = strlen(ARGV_MONITOR_ID);

	return id && !strncmp(id, ARGV_MONITOR_ID, len) && id[len] >= '0' &&
	       id[len] <= '9' && !id[len + 1];
}

static bool own_opt(const struct argv_item *it, const char *key)
{
	AUTO_OPT struct argv_opt o = { .v = NULL };

	if (!it->value)
		return false;
	argv_opt_init(&o, it->value, it->def->implied);
	return argv_own_id(argv_opt_get(&o, key));
}

static bool is_own(const struct argv_item *it)
{
	const char *name = it->def ? it->def->name : "";

	if (!strcmp(name, "S") || !strcmp(name, "incoming"))
		return true;
	if (!strcmp(name, "chardev"))
		return own_opt(it, "id");
	return !strcmp(name, "mon") && own_opt(it, "chardev");
}

static void push_public(const struct argv_item *it,
			const struct socket_moves *moves, struct strv *out)
{
	AUTO_SOCKET struct argv_socket s = { .path = NULL };
	AUTO_FREE char *text = NULL;
	const char *known = NULL;

	if (argv_socket_find(it, &s))
		known = socket_moves_public(moves, s.path);
	if (!known) {
		argv_item_push(out, it);
		return;
	}
	text = argv_socket_with(&s, known);
	argv_item_push(out,
		       &(struct argv_item){ .word = it->word, .value = text });
}

void argv_restore(const struct strv *argv, const struct socket_moves *moves,
		  struct strv *out)
{
	static const struct socket_moves none;
	AUTO_ITEMS struct argv_items items = { .v = NULL };

	argv_items_read(&items, argv);
	if (argv->n)
		strv_push(out, argv->v[0]);
	for (size_t i = 0; i < items.n; i++) {
		if (!is_own(&items.v[i]))
			push_public(&items.v[i], moves ? moves : &none, out);
	}
}
