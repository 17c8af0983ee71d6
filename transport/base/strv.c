/* SPDX-License-Identifier: MIT */
/* strv: a growable list of strings that ends in NULL, as argv does. */
#include "transport/base/strv.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "transport/base/buf.h"
#include "transport/base/xalloc.h"

void strv_take(struct strv *l, char *s)
{
	if (l->n + 2 > l->size) {
		l->size = l->size ? l->size * 2 : 16;
		l->v = xrealloc(l->v, l->size, sizeof(*l->v));
	}
	l->v[l->n++] = s;
	l->v[l->n] = NULL;
}

void strv_push_nul(struct strv *l, const char *text, size_t len)
{
	while (len) {
		size_t word = strnlen(text, len);

		strv_take(l, xstrndup(text, word));
		word += word < len;
		text += word;
		len -= word;
	}
}

void strv_push(struct strv *l, const char *s)
{
	strv_take(l, xstrdup(s));
}

void strv_pushf(struct strv *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strv_take(l, xvasprintf(fmt, ap));
	va_end(ap);
}

void strv_push_all(struct strv *l, const struct strv *from)
{
	for (size_t i = 0; i < from->n; i++)
		strv_push(l, from->v[i]);
}

char *const *strv_argv(struct strv *l)
{
	static char *const none[] = { NULL };

	return l->v ? l->v : none;
}

bool strv_equal(const struct strv *a, const struct strv *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (strcmp(a->v[i], b->v[i]))
			return false;
	}
	return true;
}

bool strv_has(const struct strv *l, const char *s)
{
	for (size_t i = 0; i < l->n; i++) {
		if (!strcmp(l->v[i], s))
			return true;
	}
	return false;
}

char *strv_join(const struct strv *l, const char *sep)
{
	struct buf b = { .base = NULL };

	for (size_t i = 0; i < l->n; i++)
		buf_printf(&b, "%s%s", i ? sep : "", l->v[i]);
	return buf_steal(&b);
}

void strv_free(struct strv *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct strv){ .v = NULL };
}
