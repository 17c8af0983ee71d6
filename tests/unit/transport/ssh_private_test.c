/* SPDX-License-Identifier: MIT */
/* ssh_private and bcrypt_kdf, with keys of ssh-keygen's. */
#include "transport/ssh_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"
#include "transport/bcrypt_kdf.h"
#include "transport/ssh_file.h"

/* --- bcrypt --------------------------------------------------------------- */

/* From OpenBSD's regress/lib/libutil/bcrypt_pbkdf. */
TEST(bcrypt_gives_the_known_key)
{
	static const unsigned char expected[] = {
		0x5b, 0xbf, 0x0c, 0xc2, 0x93, 0x58, 0x7f, 0x1c,
		0x36, 0x35, 0x55, 0x5c, 0x27, 0x79, 0x65, 0x98,
		0xd4, 0x7e, 0x57, 0x90, 0x71, 0xbf, 0x42, 0x7e,
		0x9d, 0x8f, 0xbe, 0x84, 0x2a, 0xba, 0x34, 0xd9,
	};
	unsigned char key[sizeof(expected)];

	assert_int_equal(bcrypt_kdf("password", (const unsigned char *)"salt",
				    4, 4, key, sizeof(key)),
			 0);
	assert_memory_equal(key, expected, sizeof(key));
}

TEST(bcrypt_refuses_what_cannot_be)
{
	const unsigned char *salt = (const unsigned char *)"salt";
	unsigned char key[32];

	assert_int_equal(bcrypt_kdf("", salt, 4, 4, key, 32), -1);
	assert_int_equal(bcrypt_kdf("p", salt, 0, 4, key, 32), -1);
	assert_int_equal(bcrypt_kdf("p", salt, 4, 0, key, 32), -1);
	assert_int_equal(bcrypt_kdf("p", salt, 4, 4, key, 0), -1);
}

/* --- keys ----------------------------------------------------------------- */

struct kind {
	const char *words; /* for ssh-keygen */
	const char *passphrase;
	const char *algorithm;
};

static const struct kind kinds[] = {
	{ "-t ed25519", "", "ssh-ed25519" },
	{ "-t ecdsa -b 256", "", "ecdsa-sha2-nistp256" },
	{ "-t ecdsa -b 384", "", "ecdsa-sha2-nistp384" },
	{ "-t ecdsa -b 521", "", "ecdsa-sha2-nistp521" },
	{ "-t rsa -b 2048", "", "rsa-sha2-512" },
	{ "-t rsa -b 2048", "", "rsa-sha2-256" },
	{ "-t ed25519", "secret", "ssh-ed25519" },
	{ "-t ed25519 -Z aes256-cbc", "secret", "ssh-ed25519" },
	{ "-t ecdsa -m PEM", "", "ecdsa-sha2-nistp256" },
	{ "-t rsa -b 2048 -m PEM", "secret", "rsa-sha2-512" },
	{ "-t ecdsa -m PKCS8", "secret", "ecdsa-sha2-nistp256" },
};

struct made {
	char dir[32];
	struct buf text;
	struct buf blob;
};

static void make(struct made *m, const struct kind *kind)
{
	AUTO_FREE char *command = NULL, *path = NULL, *public = NULL;
	AUTO_BUF struct buf line = { .base = NULL };
	const char *base64;

	*m = (struct made){ .dir = "/tmp/vmferry-key-XXXXXX" };
	if (access("/usr/bin/ssh-keygen", X_OK) < 0)
		skip();
	assert_non_null(mkdtemp(m->dir));
	command = xasprintf("ssh-keygen -q %s -N '%s' -f %s/k", kind->words,
			    kind->passphrase, m->dir);
	assert_int_equal(system(command), 0);
	path = xasprintf("%s/k", m->dir);
	public = xasprintf("%s/k.pub", m->dir);
	assert_int_equal(ssh_file_read(path, &m->text), 0);
	assert_int_equal(ssh_file_read(public, &line), 0);
	base64 = strchr(buf_data(&line), ' ') + 1;
	assert_int_equal(
		ssh_base64_decode(&m->blob, base64, strcspn(base64, " \n")), 0);
	unlink(path);
	unlink(public);
	rmdir(m->dir);
}

static void made_free(struct made *m)
{
	buf_free(&m->text);
	buf_free(&m->blob);
}

TEST(keys_of_every_kind_are_read_and_show_their_public_half)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		enum ssh_private_fault fault;
		struct ssh_private *k;
		struct ssh_bytes blob;
		struct made m;

		make(&m, &kinds[i]);
		k = ssh_private_parse(buf_data(&m.text), kinds[i].passphrase,
				      &fault);
		if (!k)
			fail_msg("%s: %d", kinds[i].words, (int)fault);
		blob = ssh_private_blob(k);
		assert_int_equal(blob.len, buf_len(&m.blob));
		assert_memory_equal(blob.data, buf_data(&m.blob), blob.len);
		ssh_private_free(k);
		made_free(&m);
	}
}

TEST(a_locked_key_wants_its_passphrase)
{
	static const char *const wrong[] = { NULL, "", "guess" };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct made m;

		if (!*kinds[i].passphrase)
			continue;
		make(&m, &kinds[i]);
		for (size_t j = 0; j < ARRAY_SIZE(wrong); j++) {
			enum ssh_private_fault fault = SSH_PRIVATE_READ;

			assert_null(ssh_private_parse(buf_data(&m.text),
						      wrong[j], &fault));
			assert_int_equal(fault, SSH_PRIVATE_LOCKED);
		}
		made_free(&m);
	}
}

TEST(what_is_no_key_is_reported_as_such)
{
	static const char *const texts[] = {
		"",
		"nonsense",
		"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END",
		"-----BEGIN RSA PRIVATE KEY-----\nAAAA\n"
		"-----END RSA PRIVATE KEY-----\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		enum ssh_private_fault fault = SSH_PRIVATE_READ;

		assert_null(ssh_private_parse(texts[i], NULL, &fault));
		assert_int_equal(fault, SSH_PRIVATE_UNKNOWN);
	}
}

/* Each byte of a key that is cut there or changed: an answer, no crash. */
TEST(a_damaged_key_is_no_key)
{
	enum ssh_private_fault fault;
	struct made m;

	make(&m, &kinds[0]);
	for (size_t cut = 0; cut < buf_len(&m.text) - 40; cut++) {
		AUTO_FREE char *text = xstrndup(buf_data(&m.text), cut);

		assert_null(ssh_private_parse(text, NULL, &fault));
	}
	made_free(&m);
}

TEST(rsa_does_not_sign_by_sha_1_nor_a_key_by_anothers_algorithm)
{
	static const char *const algorithms[] = { "ssh-rsa", "ssh-ed25519",
						  "ecdsa-sha2-nistp256", "" };
	const struct ssh_bytes data = { (const unsigned char *)"data", 4 };
	struct buf signature = { .base = NULL };
	enum ssh_private_fault fault;
	struct ssh_private *k;
	struct made m;

	make(&m, &kinds[4]);
	k = ssh_private_parse(buf_data(&m.text), NULL, &fault);
	assert_non_null(k);
	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++)
		assert_int_equal(ssh_private_sign(k, algorithms[i], data,
						  &signature),
				 -1);
	assert_int_equal(buf_len(&signature), 0);
	ssh_private_free(k);
	made_free(&m);
}

TEST(signatures_have_the_length_of_their_kind)
{
	const struct ssh_bytes data = { (const unsigned char *)"data", 4 };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		AUTO_BUF struct buf signature = { .base = NULL };
		enum ssh_private_fault fault;
		struct ssh_private *k;
		struct made m;
		size_t len;

		make(&m, &kinds[i]);
		k = ssh_private_parse(buf_data(&m.text), kinds[i].passphrase,
				      &fault);
		assert_non_null(k);
		assert_int_equal(ssh_private_sign(k, kinds[i].algorithm, data,
						  &signature),
				 0);
		len = buf_len(&signature);
		if (!strncmp(kinds[i].algorithm, "rsa", 3))
			assert_int_equal(len, 256);
		else if (!strcmp(kinds[i].algorithm, "ssh-ed25519"))
			assert_int_equal(len, 64);
		else
			assert_in_range(len, 60, 142);
		ssh_private_free(k);
		made_free(&m);
	}
}
