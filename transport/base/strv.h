/* SPDX-License-Identifier: MIT */
/*
 * strv: a growable list of strings that ends in NULL, as argv does.
 *
 * A zeroed struct is the empty list. The list owns its strings.
 */
#ifndef TRANSPORT_BASE_STRV_H
#define TRANSPORT_BASE_STRV_H

#include <stdbool.h>
#include <stddef.h>

struct strv {
	char **v; /* NULL, or n strings and a NULL */
	size_t n;
	size_t size;
};

/* Appends a copy. */
void strv_push(struct strv *l, const char *s);
void strv_pushf(struct strv *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Appends @s itself, which the list then owns. */
void strv_take(struct strv *l, char *s);
/*
 * Appends the strings of @text, @len bytes, each ended by a NUL (the last may
 * lack it), as in /proc/PID/cmdline.
 */
void strv_push_nul(struct strv *l, const char *text, size_t len);
void strv_push_all(struct strv *l, const struct strv *from);
/* The list as an argv: never NULL, valid until the list changes. */
char *const *strv_argv(struct strv *l);
bool strv_equal(const struct strv *a, const struct strv *b);
bool strv_has(const struct strv *l, const char *s);
/* The strings joined by @sep, to be freed. */
char *strv_join(const struct strv *l, const char *sep);
void strv_free(struct strv *l);
#define AUTO_STRV __attribute__((cleanup(strv_free)))

#endif
