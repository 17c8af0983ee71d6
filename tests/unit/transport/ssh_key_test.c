/* SPDX-License-Identifier: MIT */
/* ssh_key: what key files show, with keys made by ssh-keygen. */
#include "transport/ssh_key.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static char dir[] = "/tmp/vmferry-key-XXXXXX";

static int make_dir(void **state)
{
	(void)state;
	if (access("/usr/bin/ssh-keygen", X_OK) < 0)
		skip();
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	AUTO_FREE char *command = xasprintf("rm -r %s", dir);

	(void)state;
	return system(command);
}

TEST_GROUP_FIXTURE(make_dir, remove_dir);

/* Makes a key and drops its .pub unless @keep_public. */
static void make_key(const char *arguments, bool keep_public)
{
	AUTO_FREE char *command =
		xasprintf("cd %s && rm -f k k.pub k-cert.pub && "
			  "ssh-keygen -q -C c -f k %s && %s",
			  dir, arguments, keep_public ? ":" : "rm k.pub");

	assert_int_equal(system(command), 0);
}

static void read_key(struct ssh_key *k)
{
	AUTO_FREE char *path = xasprintf("%s/k", dir);

	assert_int_equal(ssh_key_read(k, path), 0);
}

static void expect(const char *arguments, const char *type, bool encrypted)
{
	AUTO_FREE char *inner = NULL;
	struct ssh_key k;

	make_key(arguments, false);
	read_key(&k);
	assert_string_equal(k.type, type);
	assert_int_equal(k.encrypted, encrypted);
	inner = ssh_blob_type(ssh_key_blob(&k));
	assert_string_equal(inner, type);
	ssh_key_free(&k);
}

TEST(openssh_files_show_type_and_public_key)
{
	expect("-t ed25519 -N ''", "ssh-ed25519", false);
	expect("-t ecdsa -b 384 -N ''", "ecdsa-sha2-nistp384", false);
	expect("-t rsa -b 1024 -N ''", "ssh-rsa", false);
}

TEST(encrypted_files_show_the_same_without_passphrase)
{
	expect("-t ed25519 -N secret", "ssh-ed25519", true);
	expect("-t rsa -b 1024 -N secret", "ssh-rsa", true);
}

TEST(pem_files_show_type_and_encryption)
{
	struct ssh_key k;

	make_key("-t rsa -b 1024 -m PEM -N ''", false);
	read_key(&k);
	assert_string_equal(k.type, "ssh-rsa");
	assert_false(k.encrypted);
	ssh_key_free(&k);
	make_key("-t rsa -b 1024 -m PEM -N secret", false);
	read_key(&k);
	assert_string_equal(k.type, "ssh-rsa");
	assert_true(k.encrypted);
	ssh_key_free(&k);
}

TEST(the_public_file_helps_where_the_private_one_is_silent)
{
	struct ssh_key k;

	make_key("-t ecdsa -m PKCS8 -N secret", true);
	read_key(&k);
	assert_string_equal(k.type, "ecdsa-sha2-nistp256");
	assert_true(k.encrypted);
	assert_true(buf_len(&k.blob) > 50);
	ssh_key_free(&k);
}

TEST(a_certificate_beside_the_key_is_seen)
{
	AUTO_FREE char *path = xasprintf("%s/k-cert.pub", dir);
	struct ssh_key k;
	FILE *f;

	make_key("-t ed25519 -N ''", false);
	read_key(&k);
	assert_false(k.certificate);
	ssh_key_free(&k);
	f = fopen(path, "w");
	fclose(f);
	read_key(&k);
	assert_true(k.certificate);
	ssh_key_free(&k);
}

TEST(a_missing_file_is_reported_by_errno)
{
	struct ssh_key k;

	assert_int_equal(ssh_key_read(&k, "/no/such/key"), -1);
	assert_int_equal(errno, ENOENT);
	assert_null(k.type);
	ssh_key_free(&k);
}

TEST(damaged_files_show_nothing)
{
	static const char *const texts[] = {
		"",
		"x",
		"-----BEGIN OPENSSH PRIVATE KEY-----",
		"-----BEGIN OPENSSH PRIVATE KEY-----\n-----END",
		"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END",
		("-----BEGIN OPENSSH PRIVATE KEY-----\n"
		 "b3BlbnNzaC1rZXktdjEA/////wAA\n-----END"),
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct ssh_key k = { .path = NULL };

		ssh_key_parse(&k, texts[i]);
		assert_null(k.type);
		assert_int_equal(buf_len(&k.blob), 0);
		ssh_key_free(&k);
	}
}

TEST(libssh2_uses_ed25519_and_ecdsa_but_no_security_keys)
{
	assert_null(ssh_key_unusable(NULL, false));
	assert_null(ssh_key_unusable("ssh-ed25519", false));
	assert_null(ssh_key_unusable("ecdsa-sha2-nistp521", false));
	assert_non_null(ssh_key_unusable("sk-ssh-ed25519@openssh.com", true));
	assert_non_null(
		ssh_key_unusable("ssh-ed25519-cert-v01@openssh.com", true));
	assert_non_null(ssh_key_unusable("ssh-dss", true));
	assert_non_null(ssh_key_unusable("ssh-new-thing", true));
}

TEST(rsa_needs_a_newer_libssh2)
{
	assert_non_null(ssh_key_unusable("ssh-rsa", false));
	assert_null(ssh_key_unusable("ssh-rsa", true));
}
