/* SPDX-License-Identifier: MIT */
/*
 * known_hosts files. Input: a byte that chooses the host asked for, then the
 * file.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz_input.h"
#include "transport/base/xalloc.h"
#include "transport/known_hosts.h"

static const struct {
	const char *name, *port;
} hosts[] = {
	{ "hostb", "22" },
	{ "Web1.Example.org", "22" },
	{ "hostb", "2222" },
	{ "fe80::1", "22" },
};

static struct ssh_bytes blob_of(const struct known_hosts_key *key)
{
	struct buf view = key->blob;

	return (struct ssh_bytes){ (const unsigned char *)buf_data(&view),
				   buf_len(&view) };
}

/* The line that makes a key known does so. */
static void add_line(size_t host, const struct known_hosts_key *key,
		     bool hashed)
{
	struct known_hosts fresh;
	const struct known_hosts_key *why;
	AUTO_FREE char *line = NULL;

	known_hosts_init(&fresh, hosts[host].name, hosts[host].port);
	line = known_hosts_line(&fresh, blob_of(key), hashed);
	fuzz_claim(line != NULL, "an ordinary name can be written");
	known_hosts_add(&fresh, "new", line, strlen(line));
	fuzz_claim(known_hosts_check(&fresh, blob_of(key), &why) ==
			   KNOWN_HOSTS_MATCH,
		   "the line that makes a key known does so");
	known_hosts_free(&fresh);
}

/* The verdict on a key that a line of the file has. */
static void judge(const struct known_hosts *k,
		  const struct known_hosts_key *key)
{
	const struct known_hosts_key *why;
	enum known_hosts_verdict v = known_hosts_check(k, blob_of(key), &why);

	switch (key->mark) {
	case KNOWN_HOSTS_REVOKED_KEY:
		fuzz_claim(v == KNOWN_HOSTS_REVOKED,
			   "a revoked key is revoked, whatever else is there");
		break;
	case KNOWN_HOSTS_KEY:
		fuzz_claim(!key->exact || v == KNOWN_HOSTS_MATCH ||
				   v == KNOWN_HOSTS_REVOKED,
			   "a key on file matches or is revoked");
		break;
	case KNOWN_HOSTS_AUTHORITY:
		fuzz_claim(v == KNOWN_HOSTS_MATCH ||
				   known_hosts_certified(k, blob_of(key)),
			   "an authority is noticed");
		break;
	}
	fuzz_claim(!why == (v == KNOWN_HOSTS_UNKNOWN),
		   "a verdict has its line");
}

static void look_up(const struct known_hosts *k, size_t host)
{
	static const unsigned char other[] = "\0\0\0\013ssh-ed25519\0\0\0\1x";
	AUTO_STRV struct strv types = { 0 };
	const struct known_hosts_key *why;

	known_hosts_types(k, &types);
	(void)known_hosts_check(
		k, (struct ssh_bytes){ other, sizeof(other) - 1 }, &why);
	for (size_t i = 0; i < k->n; i++) {
		AUTO_FREE char *fingerprint =
			ssh_fingerprint(blob_of(&k->keys[i]));

		fuzz_claim(strlen(fingerprint) == strlen("SHA256:") + 43,
			   "a key has a fingerprint");
		judge(k, &k->keys[i]);
		add_line(host, &k->keys[i], i % 2);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	size_t host = fuzz_take(&in) % ARRAY_SIZE(hosts);
	struct known_hosts k;

	known_hosts_init(&k, hosts[host].name, hosts[host].port);
	known_hosts_add(&k, "file", (const char *)in.data, in.len);
	known_hosts_add(&k, "file again", (const char *)in.data, in.len);
	look_up(&k, host);
	known_hosts_free(&k);
	return 0;
}
