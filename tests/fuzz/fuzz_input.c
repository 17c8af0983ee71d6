/* SPDX-License-Identifier: MIT */
/* fuzz_input: what targets have in common. */
#include "tests/fuzz/fuzz_input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transport/base/loop.h"
#include "transport/base/xalloc.h"

unsigned int fuzz_take(struct fuzz_input *in)
{
	if (!in->len)
		return 0;
	in->len--;
	return *in->data++;
}

char *fuzz_text(const struct fuzz_input *in)
{
	return xstrndup((const char *)in->data, in->len);
}

void fuzz_words(const struct fuzz_input *in, struct strv *out)
{
	strv_push_nul(out, (const char *)in->data, in->len);
}

size_t fuzz_piece(uint32_t *seed, size_t left)
{
	size_t piece;

	if (!*seed)
		return left;
	*seed = *seed * 1664525 + 1013904223;
	piece = 1 + (*seed >> 24);
	return piece < left ? piece : left;
}

void fuzz_in_task(void (*fn)(void *arg), void *arg)
{
	struct loop *loop = loop_new(NULL);

	fuzz_claim(loop != NULL, "there is a loop");
	loop_run(loop, fn, arg);
	loop_free(loop);
}

void fuzz_claim(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "does not hold: %s\n", what);
	abort();
}
