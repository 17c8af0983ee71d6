/* SPDX-License-Identifier: MIT */
/*
 * quote: the one way words get into a shell of another host.
 */
#ifndef TRANSPORT_QUOTE_H
#define TRANSPORT_QUOTE_H

#include "transport/base/buf.h"

/*
 * Appends @word so that a POSIX shell reads back exactly its bytes as one
 * word, whatever they are (NUL cannot occur). Words made only of
 * [A-Za-z0-9_@%+=:,./-] stay bare; the empty word becomes ''.
 */
void quote_word(struct buf *b, const char *word);
/* The same alone, for a command that a message proposes; to be freed. */
char *quote_text(const char *word);
/* A line of a script that gives the variable @name this value. */
void quote_assign(struct buf *b, const char *name, const char *value);
/* All of a NULL-terminated argv, separated by spaces; to be freed. */
char *quote_argv(const char *const *argv);
/*
 * The same for a login shell, which need not be a POSIX shell: csh and fish
 * read quotes in their own way. All but the plainest words go through one sh;
 * to be freed.
 */
char *quote_login(const char *const *argv);

#endif
