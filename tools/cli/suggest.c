/* SPDX-License-Identifier: MIT */
/* suggest: "did you mean …?" by edit distance. */
#include "tools/cli/suggest.h"

#include <string.h>

enum { MAX_WORD = 32 };

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int m = a < b ? a : b;

	return m < c ? m : c;
}

/* Levenshtein, one row at a time. */
static unsigned int distance(const char *a, const char *b, size_t len_b)
{
	unsigned int row[MAX_WORD + 1];

	for (unsigned int j = 0; j <= len_b; j++)
		row[j] = j;
	for (unsigned int i = 1; *a; a++, i++) {
		unsigned int diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= len_b; j++) {
			unsigned int above = row[j];

			row[j] = min3(above + 1, row[j - 1] + 1,
				      diagonal + (*a != b[j - 1]));
			diagonal = above;
		}
	}
	return row[len_b];
}

void suggest(struct suggestion *best, const char *typed, const char *candidate)
{
	size_t len = strlen(candidate);
	unsigned int d;

	if (len > MAX_WORD || strlen(typed) > MAX_WORD)
		return;
	d = distance(typed, candidate, len);
	if (d > 2 || d >= len || (best->word && d >= best->distance))
		return;
	*best = (struct suggestion){ .word = candidate, .distance = d };
}
