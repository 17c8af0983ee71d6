/* SPDX-License-Identifier: MIT */
/* What `ssh -G` prints, and private key files: both from the same text. */
#include <stdlib.h>

#include "tests/fuzz/fuzz_input.h"
#include "transport/base/xalloc.h"
#include "transport/ssh_config.h"
#include "transport/ssh_key.h"
#include "transport/ssh_limits.h"
#include "transport/ssh_private.h"

static void read_config(const char *text)
{
	struct ssh_config c = { .hostname = NULL };
	AUTO_FREE char *expanded = NULL;

	ssh_config_defaults(&c, "hostb", "root");
	ssh_config_parse(&c, text);
	expanded = ssh_config_expand(&c, text, "b", "/root", "root");
	for (size_t i = 0; i < c.identities.n; i++) {
		AUTO_FREE char *path = ssh_config_expand(&c, c.identities.v[i],
							 "b", "/root", "root");

		fuzz_claim(path != NULL, "a path has an expansion");
	}
	ssh_limits_read(&c.beyond, text, text);
	fuzz_claim(!c.beyond.n, "what is usual can be followed");
	ssh_limits_paths(&c);
	ssh_config_free(&c);
}

static void read_key(const char *text)
{
	struct ssh_key k = { .path = NULL };

	ssh_key_parse(&k, text);
	(void)ssh_key_unusable(k.type, true);
	fuzz_claim(!buf_len(&k.blob) || k.type, "a public key has a type");
	ssh_key_free(&k);
}

/* Without a passphrase, which would take its time. */
static void read_private(const char *text)
{
	static const char *const algorithms[] = { "ssh-ed25519",
						  "ecdsa-sha2-nistp256",
						  "rsa-sha2-512" };
	const struct ssh_bytes data = { (const unsigned char *)"data", 4 };
	struct buf signature = { .base = NULL };
	enum ssh_private_fault fault;
	struct ssh_private *k = ssh_private_parse(text, NULL, &fault);

	for (size_t i = 0; k && i < ARRAY_SIZE(algorithms); i++)
		(void)ssh_private_sign(k, algorithms[i], data, &signature);
	fuzz_claim(!k || ssh_private_blob(k).len,
		   "a private key has a public half");
	ssh_private_free(k);
	buf_free(&signature);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	AUTO_FREE char *text = fuzz_text(&in);

	read_config(text);
	read_key(text);
	read_private(text);
	return 0;
}
