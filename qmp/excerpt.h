/* SPDX-License-Identifier: MIT */
/*
 * excerpt: a peer's bytes, made fit for a message to a person.
 */
#ifndef QMP_EXCERPT_H
#define QMP_EXCERPT_H

#include <stddef.h>

enum { EXCERPT_MAX_BYTES = 48 };

/*
 * The first EXCERPT_MAX_BYTES of @data in double quotes, what is not printable
 * ASCII as \n, \r, \t or \xNN, with "..." behind when there was more. To be
 * freed.
 */
char *excerpt(const void *data, size_t len);

#endif
