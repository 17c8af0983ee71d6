/* SPDX-License-Identifier: MIT */
/*
 * suggest: "did you mean …?" by edit distance.
 */
#ifndef TOOLS_CLI_SUGGEST_H
#define TOOLS_CLI_SUGGEST_H

/* Zeroed to begin with; `word` stays NULL when nothing is near enough. */
struct suggestion {
	const char *word; /* borrowed from the calls of suggest() */
	unsigned int distance;
};

/* Keeps @candidate when it is nearer to @typed than what was kept so far. */
void suggest(struct suggestion *best, const char *typed, const char *candidate);

#endif
