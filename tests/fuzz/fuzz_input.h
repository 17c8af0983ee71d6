/* SPDX-License-Identifier: MIT */
/*
 * fuzz_input: what targets have in common: taking an input apart, running in
 * a task, and claims that must hold.
 */
#ifndef TESTS_FUZZ_FUZZ_INPUT_H
#define TESTS_FUZZ_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "transport/base/strv.h"

/* libFuzzer's two entries. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* What is left of an input; borrowed. */
struct fuzz_input {
	const uint8_t *data;
	size_t len;
};

/* The next byte, 0 at the end. */
unsigned int fuzz_take(struct fuzz_input *in);
/* All that is left as a string to be freed; NULs in it end it early. */
char *fuzz_text(const struct fuzz_input *in);
/* All that is left, cut at NULs, as the kernel shows an argv. */
void fuzz_words(const struct fuzz_input *in, struct strv *out);

/*
 * The length of the next piece of @left bytes, at least 1; *seed is 0 for all
 * at once and goes on from call to call. Equal seeds cut equally.
 */
size_t fuzz_piece(uint32_t *seed, size_t left);

/* Runs @fn(@arg) as a task of a loop of its own. */
void fuzz_in_task(void (*fn)(void *arg), void *arg);

/* Ends the process with @what unless it holds. */
void fuzz_claim(int holds, const char *what);

#endif
