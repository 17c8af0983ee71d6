/* SPDX-License-Identifier: MIT */
/* answer: what a script on a host answers, one KEY=VALUE a line; pure. */
#ifndef ENGINE_HOSTS_ANSWER_H
#define ENGINE_HOSTS_ANSWER_H

#include <sys/types.h>

/* The value of the line "KEY=value" in @text, to be freed; NULL if absent. */
char *answer_value(const char *text, const char *key);
/*
 * @text, or "" for NULL, as such a value: control characters, line feeds among
 * them, are '?'. To be freed.
 */
char *answer_safe_value(const char *text);
/* A process's number in decimal digits; 0 for anything else, and NULL. */
pid_t answer_pid(const char *text);

#endif
