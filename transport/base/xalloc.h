/* SPDX-License-Identifier: MIT */
/*
 * xalloc: allocation that aborts instead of failing, and the cleanup
 * attributes of the tree.
 *
 * Out of memory ends the process: every outside effect is recorded before it
 * happens, so sudden death is a state that is handled, while a branch for
 * "malloc failed" is one that no test ever reaches.
 */
#ifndef TRANSPORT_BASE_XALLOC_H
#define TRANSPORT_BASE_XALLOC_H

#include <stdarg.h>
#include <stddef.h>

void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t count, size_t size)
	__attribute__((malloc, returns_nonnull));
/* Resizes to count * size bytes; overflow aborts like any other shortage. */
void *xrealloc(void *p, size_t count, size_t size)
	__attribute__((returns_nonnull));
/* NULL in, NULL out. */
char *xstrdup(const char *s) __attribute__((malloc));
/* A string of exactly @len bytes of @s, terminated. */
char *xstrndup(const char *s, size_t len)
	__attribute__((malloc, returns_nonnull));
char *xasprintf(const char *fmt, ...)
	__attribute__((format(printf, 1, 2), malloc, returns_nonnull));
char *xvasprintf(const char *fmt, va_list ap)
	__attribute__((format(printf, 1, 0), malloc, returns_nonnull));

#define XNEW(type) ((type *)xcalloc(1, sizeof(type)))

/*
 * Cleanup attributes, for memory and descriptors only. A variable starts at
 * NULL (or -1) and is handed over with STEAL() (or steal_fd()).
 */
void cleanup_free(void *pp);
void cleanup_fd(const int *fd);
#define AUTO_FREE __attribute__((cleanup(cleanup_free)))
#define AUTO_FD __attribute__((cleanup(cleanup_fd)))

#define STEAL(ptr)                        \
	({                                \
		__typeof__(ptr) p_ = ptr; \
		(ptr) = NULL;             \
		p_;                       \
	})

static inline int steal_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Closes @fd unless it is negative; keeps errno. */
void close_fd(int fd);

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
