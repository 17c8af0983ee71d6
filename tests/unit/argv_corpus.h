/* SPDX-License-Identifier: MIT */
/*
 * argv_corpus: command lines as they are found in the wild.
 */
#ifndef TESTS_UNIT_ARGV_CORPUS_H
#define TESTS_UNIT_ARGV_CORPUS_H

#include <stdbool.h>
#include <stddef.h>

struct argv_corpus {
	const char *name;
	const char *text; /* for argv_case_split() */
	bool one_host;	  /* may also be moved within one host */
};
extern const struct argv_corpus argv_corpus[];
extern const size_t argv_corpus_n;

#endif
