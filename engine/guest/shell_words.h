/* SPDX-License-Identifier: MIT */
/* shell_words: the words of a text for a shell; pure. */
#ifndef ENGINE_GUEST_SHELL_WORDS_H
#define ENGINE_GUEST_SHELL_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#define SHELL_WORDS_BLANKS " \t"
#define SHELL_WORDS_ENDS " \t\n;&|(){}<>`"

/* Behind the word that begins at @p; NULL when a quote of it is not closed. */
const char *shell_words_skip(const char *p);
/* @list ends with NULL. */
bool shell_words_has(const char *const *list, const char *word, size_t len);
bool shell_words_is_assignment(const char *word, size_t len);

#endif
