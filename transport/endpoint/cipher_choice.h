/* SPDX-License-Identifier: MIT */
/*
 * cipher_choice: the order in which ciphers and MACs are offered to a server,
 * the cheapest on this machine first. What is on a list is trusted alike.
 */
#ifndef TRANSPORT_ENDPOINT_CIPHER_CHOICE_H
#define TRANSPORT_ENDPOINT_CIPHER_CHOICE_H

/*
 * Sorts two comma-separated lists of SSH names, each to be freed and replaced.
 * What costs about the same stays in its order, and so does, at the end, what
 * is not known here. At most 16 names each. Takes a millisecond of CPU time.
 */
void cipher_choice_sort(char **ciphers, char **macs);

/* --- for tests ------------------------------------------------------------ */

/* The cost of one of them, by its name; 0: not known. */
typedef double cipher_choice_cost_fn(const char *name, void *arg);
void cipher_choice_sort_by(char **ciphers, char **macs,
			   cipher_choice_cost_fn *cost, void *arg);

#endif
