/* SPDX-License-Identifier: MIT */
/* cipher_choice: the order in which ciphers and MACs are offered. */
#include "transport/endpoint/cipher_choice.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "transport/base/strv.h"
#include "transport/base/xalloc.h"

enum {
	SAMPLE_BYTES = 32 * 1024, /* as a packet of a stream */
	ROUNDS = 3,
	NAMES_MAX = 16,
};

/* Only what is this much cheaper goes before what was listed first. */
#define CLEARLY 0.8

static const struct {
	const char *name;
	const EVP_CIPHER *(*cipher)(void);
	const EVP_MD *(*digest)(void);
} known[] = {
	{ "aes128-gcm@openssh.com", EVP_aes_128_gcm, NULL },
	{ "aes256-gcm@openssh.com", EVP_aes_256_gcm, NULL },
	{ "aes128-ctr", EVP_aes_128_ctr, NULL },
	{ "aes192-ctr", EVP_aes_192_ctr, NULL },
	{ "aes256-ctr", EVP_aes_256_ctr, NULL },
	{ "hmac-sha2-256", NULL, EVP_sha256 },
	{ "hmac-sha2-512", NULL, EVP_sha512 },
};

/* --- measuring ------------------------------------------------------------ */

static const unsigned char key[64];
static unsigned char sample[SAMPLE_BYTES];

/* Of this thread: who else runs makes no difference. */
static double cpu_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static bool encrypt(const EVP_CIPHER *cipher)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len;
	bool ok = ctx && EVP_EncryptInit_ex(ctx, cipher, NULL, key, key) &&
		  EVP_EncryptUpdate(ctx, sample, &len, sample, SAMPLE_BYTES);

	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

static bool authenticate(const EVP_MD *digest)
{
	unsigned char mac[EVP_MAX_MD_SIZE];

	return HMAC(digest, key, EVP_MD_size(digest), sample, SAMPLE_BYTES, mac,
		    NULL) != NULL;
}

/* The least of some rounds, in nanoseconds. */
static double measure(size_t i)
{
	double least = 0;

	for (int round = 0; round < ROUNDS; round++) {
		double begun = cpu_ns(), taken;

		if (known[i].cipher ? !encrypt(known[i].cipher())
				    : !authenticate(known[i].digest()))
			return 0;
		taken = cpu_ns() - begun;
		if (!round || taken < least)
			least = taken;
	}
	return least;
}

static double measured_cost(const char *name, void *arg)
{
	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (!strcmp(known[i].name, name))
			return measure(i);
	}
	return 0;
}

/* --- sorting -------------------------------------------------------------- */

struct offer {
	char *name;
	double cost; /* 0: not known */
};

static size_t split(const char *list, struct offer *offers)
{
	size_t n = 0;

	while (*list && n < NAMES_MAX) {
		size_t len = strcspn(list, ",");

		offers[n++] = (struct offer){ xstrndup(list, len), 0 };
		list += len + (list[len] == ',');
	}
	return n;
}

static bool goes_before(const struct offer *a, const struct offer *b)
{
	if (!a->cost || !b->cost)
		return a->cost && !b->cost;
	return a->cost < CLEARLY * b->cost;
}

static char *join_sorted(struct offer *offers, size_t n)
{
	AUTO_STRV struct strv names = { .v = NULL };

	for (size_t i = 1; i < n; i++) {
		struct offer moved = offers[i];
		size_t at = i;

		for (; at && goes_before(&moved, &offers[at - 1]); at--)
			offers[at] = offers[at - 1];
		offers[at] = moved;
	}
	for (size_t i = 0; i < n; i++) {
		strv_push(&names, offers[i].name);
		free(offers[i].name);
	}
	return strv_join(&names, ",");
}

/* With GCM there is no MAC; the others need the best of them. */
void cipher_choice_sort_by(char **ciphers, char **macs,
			   cipher_choice_cost_fn *cost, void *arg)
{
	struct offer offers[NAMES_MAX];
	double mac = 0;
	size_t n = split(*macs, offers);

	for (size_t i = 0; i < n; i++) {
		offers[i].cost = cost(offers[i].name, arg);
		if (offers[i].cost && (!mac || offers[i].cost < mac))
			mac = offers[i].cost;
	}
	free(*macs);
	*macs = join_sorted(offers, n);

	n = split(*ciphers, offers);
	for (size_t i = 0; i < n; i++) {
		offers[i].cost = cost(offers[i].name, arg);
		if (offers[i].cost && !strstr(offers[i].name, "-gcm@"))
			offers[i].cost += mac;
	}
	free(*ciphers);
	*ciphers = join_sorted(offers, n);
}

void cipher_choice_sort(char **ciphers, char **macs)
{
	cipher_choice_sort_by(ciphers, macs, measured_cost, NULL);
}
