/* SPDX-License-Identifier: MIT */
/*
 * argv_case: rebuilds command lines that tests write as one text.
 */
#ifndef TESTS_UNIT_ARGV_CASE_H
#define TESTS_UNIT_ARGV_CASE_H

#include <stdbool.h>

#include "engine/argv/argv.h"

#define CASE_MACHINE "pc-q35-7.2"
#define CASE_RUN_DIR "/run/vmferry/r1"
#define CASE_CWD "/srv/vm"

/* Words are separated by blanks; '…' keeps a word together. */
void argv_case_split(const char *text, struct strv *out);

/*
 * Rebuilds "qemu-system-x86_64 -M q35 -display none @words" for another host,
 * or for the same one, and returns what became of @words alone (joined by
 * blanks; to be freed). @plan gets the whole; fails the test on an error.
 */
char *argv_case_other(const char *words, struct argv_plan *plan);
char *argv_case_same(const char *words, struct argv_plan *plan);
/* The same with one remapped prefix, for another host. */
char *argv_case_remap(const char *words, const char *old_prefix,
		      const char *new_prefix, struct argv_plan *plan);

/* The same where QEMU gets the file @path open, for another host. */
char *argv_case_hand(const char *words, const char *path, bool block,
		     struct argv_plan *plan);

/* Whether a note of that kind has @text in it. */
bool argv_case_noted(const struct argv_plan *plan, enum argv_note_kind kind,
		     const char *text);
const struct argv_file *argv_case_file(const struct argv_plan *plan,
				       const char *path);

/* Fail the test unless @words are rebuilt to @expected, or are refused. */
void expect_other(const char *words, const char *expected);
void expect_same(const char *words, const char *expected);
void expect_refused(const char *words, const char *why);
void expect_refused_same(const char *words, const char *why);
/* Kept as they are on another host. */
void expect_kept(const char *words);

#endif
