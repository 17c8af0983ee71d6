/* SPDX-License-Identifier: MIT */
/* ssh_hostkey: verdicts on a host's key, and new keys. */
#include "transport/ssh_hostkey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "transport/base/xalloc.h"
#include "transport/ssh_file.h"

#define ED_A \
	"AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define RSA_A "AAAAB3NzaC1yc2EAAAADAQABAAAAAQA="
#define EC_A "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAAABAA=="
#define ED_LINE "h ssh-ed25519 " ED_A "\n"

static char dir[] = "/tmp/vmferry-hostkey-XXXXXX";
static char *file;

static int make_dir(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	file = xasprintf("%s/known_hosts", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	(void)unlink(file);
	free(file);
	return rmdir(dir);
}

TEST_GROUP_FIXTURE(make_dir, remove_dir);

static void set_file(const char *text)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static char *get_file(void)
{
	struct buf b = { .base = NULL };

	assert_int_equal(ssh_file_read(file, &b), 0);
	return buf_steal(&b);
}

/* The verdict on the ed25519 key A of host h with @text on file. */
static int verify(const char *text, bool accept_new, struct err *err)
{
	AUTO_BUF struct buf blob = { .base = NULL };
	struct ssh_config c = { .hostname = (char[]){ "h" },
				.port = (char[]){ "22" } };
	struct known_hosts k;
	int rc;

	if (text)
		set_file(text);
	strv_push(&c.known_hosts, file);
	ssh_hostkey_load(&k, &c);
	assert_int_equal(ssh_base64_decode(&blob, ED_A, strlen(ED_A)), 0);
	rc = ssh_hostkey_verify(
		&k, &c, "hostb",
		(struct ssh_bytes){ (const unsigned char *)buf_data(&blob),
				    buf_len(&blob) },
		accept_new, err);
	known_hosts_free(&k);
	strv_free(&c.known_hosts);
	return rc;
}

static void expect(const char *text, bool accept_new, enum err_kind kind,
		   const char *words)
{
	AUTO_ERR struct err err = { 0 };

	assert_int_equal(verify(text, accept_new, &err), -1);
	assert_int_equal(err.kind, kind);
	if (!strstr(err.message, words))
		fail_msg("\"%s\" without \"%s\"", err.message, words);
	assert_non_null(err.hint);
}

TEST(a_known_key_passes)
{
	assert_int_equal(verify(ED_LINE, false, NULL), 0);
	assert_int_equal(verify(ED_LINE, true, NULL), 0);
}

TEST(an_unknown_key_is_refused_unless_asked_for)
{
	expect("", false, ERR_HOSTKEY, "is not known");
	assert_int_equal(verify("", true, NULL), 0);
}

TEST(a_new_key_is_appended_to_what_is_there)
{
	AUTO_FREE char *a = NULL, *b = NULL;

	assert_int_equal(verify("# mine\n", true, NULL), 0);
	a = get_file();
	assert_string_equal(a, "# mine\n" ED_LINE);
	assert_int_equal(verify("# no newline", true, NULL), 0);
	b = get_file();
	assert_string_equal(b, "# no newline\n" ED_LINE);
}

TEST(a_new_file_is_private)
{
	struct stat st;

	(void)unlink(file);
	assert_int_equal(verify(NULL, true, NULL), 0);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

TEST(a_key_of_another_type_is_never_taken_as_new)
{
	AUTO_FREE char *after = NULL;

	expect("h ecdsa-sha2-nistp256 " EC_A "\n", true, ERR_HOSTKEY,
	       "ecdsa-sha2-nistp256");
	after = get_file();
	assert_string_equal(after, "h ecdsa-sha2-nistp256 " EC_A "\n");
}

TEST(only_rsa_on_file_is_a_matter_of_crypto)
{
	expect("h ssh-rsa " RSA_A "\n", false, ERR_CRYPTO, "ssh-rsa");
	expect("h ssh-rsa " RSA_A "\n", true, ERR_CRYPTO, "ssh-rsa");
}

/* --- the types that are asked for ----------------------------------------- */

/* The host key types that a session offers, as the server reads them. */
static char *offered(const struct known_hosts *k)
{
	static unsigned char data[16384];
	LIBSSH2_SESSION *raw = libssh2_session_init();
	struct ssh_bytes in = { data, 0 }, names;
	const unsigned char *packet;
	int s[2];
	ssize_t n;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	libssh2_session_set_blocking(raw, 0);
	assert_int_equal(ssh_hostkey_prefer(raw, k, NULL), 0);
	assert_int_equal(write(s[1], "SSH-2.0-x\r\n", 11), 11);
	assert_int_equal(libssh2_session_handshake(raw, s[0]),
			 LIBSSH2_ERROR_EAGAIN);
	n = recv(s[1], data, sizeof(data), MSG_DONTWAIT);
	assert_true(n > 0);
	/* behind the banner: length, padding, type, cookie, key exchange */
	packet = memchr(data, '\n', (size_t)n);
	assert_non_null(packet);
	packet += 1 + 4 + 1 + 1 + 16;
	assert_true(packet < data + n);
	in = (struct ssh_bytes){ packet, (size_t)(data + n - packet) };
	assert_int_equal(ssh_take_string(&in, &names), 0);
	assert_int_equal(ssh_take_string(&in, &names), 0);
	libssh2_session_free(raw);
	close(s[0]);
	close(s[1]);
	return xstrndup((const char *)names.data, names.len);
}

TEST(the_types_on_file_come_first_and_each_once)
{
	static const char *const wanted[] = { "ecdsa-sha2-nistp256",
					      "ssh-ed25519",
					      "ecdsa-sha2-nistp384",
					      "ecdsa-sha2-nistp521" };
	struct known_hosts k;
	AUTO_FREE char *list = NULL;
	struct ssh_config c = { .hostname = (char[]){ "h" },
				.port = (char[]){ "22" } };
	const char *at;

	set_file("h ecdsa-sha2-nistp256 " EC_A "\n");
	strv_push(&c.known_hosts, file);
	ssh_hostkey_load(&k, &c);
	list = offered(&k);
	at = list;
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		size_t len = strlen(wanted[i]);

		assert_int_equal(strncmp(at, wanted[i], len), 0);
		at += len;
		assert_int_equal(*at++, ',');
	}
	/* what libssh2 has of RSA */
	assert_non_null(strstr(at, "rsa"));
	assert_null(strstr(at, "ecdsa"));
	assert_null(strstr(at, "ed25519"));
	known_hosts_free(&k);
	strv_free(&c.known_hosts);
}

TEST(a_file_that_cannot_be_written_is_an_error)
{
	AUTO_FREE char *saved = xstrdup(file);
	AUTO_ERR struct err err = { 0 };

	free(file);
	file = xasprintf("%s/no/such/known_hosts", dir);
	assert_int_equal(verify(NULL, true, &err), -1);
	assert_int_equal(err.kind, ERR_SYSTEM);
	free(file);
	file = STEAL(saved);
}
