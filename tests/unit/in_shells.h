/* SPDX-License-Identifier: MIT */
/*
 * A script in each shell of this machine that may be a host's sh: it is to
 * print the same in all of them.
 */
#ifndef TESTS_UNIT_IN_SHELLS_H
#define TESTS_UNIT_IN_SHELLS_H

#include <sys/stat.h>

/* Where scripts run: a directory of the test, between setup and teardown. */
extern char in_shells_dir[40];

/* For TEST_FIXTURE(). */
int in_shells_setup(void **state);
int in_shells_teardown(void **state);

/* A path in that directory; the caller frees it. */
char *in_shells_path(const char *name);
/* Writes the file @name in it, with the permissions @mode. */
void in_shells_put(const char *name, const char *text, mode_t mode);
/* What is in the file @name; a script's output is in `out`. To be freed. */
char *in_shells_get(const char *name);

/*
 * What the file `script` prints, both outputs, as @how has @shell read it under
 * the name sh; NULL where there is no such shell. To be freed.
 */
char *in_shells_output(const char *shell, const char *how);

/*
 * Fails unless @script prints @expected, both outputs, in each shell; @how is
 * the command that has sh read it from the file `script`. NULL for @expected:
 * what the first shell prints.
 */
void in_shells_how(const char *how, const char *script, const char *expected);
/* The same as a host gets it: on standard input, one compound. */
void in_shells(const char *script, const char *expected);

#endif
