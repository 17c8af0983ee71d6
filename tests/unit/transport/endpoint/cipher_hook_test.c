/* SPDX-License-Identifier: MIT */
/* cipher_hook: this machine's libssh2, against a real sshd. */
#include "transport/endpoint/cipher_hook.h"

#include <dlfcn.h>
#include <libssh2.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/in_task.h"
#include "tests/unit/sshd_fixture.h"
#include "transport/base/task.h"
#include "transport/base/xalloc.h"
#include "transport/ssh_channel.h"
#include "transport/ssh_login.h"

enum { MIB = 1 << 20 };

struct link {
	struct sshd *sshd;
	struct echo *echo;
	struct ssh_login *login;
	struct ssh_link ssh;
	struct stream *stream;
};

static void begin(struct link *l, const char *extra)
{
	struct host_options opt;
	struct host_target target = { .host = NULL };
	struct err err = { 0 };
	AUTO_FREE char *path = NULL;
	bool beyond;

	l->sshd = sshd_start(extra);
	l->echo = echo_start(l->sshd, "echo");
	opt = sshd_options(l->sshd);
	if (host_target_parse(&target, l->sshd->target, &err) < 0)
		fail_with_err(&err);
	l->login = ssh_login_new(&target, l->sshd->target, &opt, &l->ssh,
				 &beyond, SSHD_SOON, &err);
	if (!l->login)
		fail_with_err(&err);
	host_target_free(&target);
	path = sshd_path(l->sshd, "echo");
	l->stream = ssh_channel_stream(ssh_channel_unix(l->ssh.session, path,
							SSHD_SOON, &err),
				       SSHD_SOON, &err);
	if (!l->stream)
		fail_with_err(&err);
}

static void finish(struct link *l)
{
	stream_close(l->stream);
	ssh_link_close(&l->ssh);
	ssh_login_free(l->login);
	echo_stop(l->echo);
	sshd_stop(l->sshd);
}

static uint64_t whole_packets(const struct link *l)
{
	return atomic_load(
		&endpoint_child_counters(ssh_session_child(l->ssh.session))
			 ->whole_packets);
}

/* --- bytes ---------------------------------------------------------------- */

static char *random_bytes(size_t len)
{
	char *p = xmalloc(len);

	for (size_t i = 0; i < len; i++)
		p[i] = (char)(rand() >> 7);
	return p;
}

struct sending {
	struct stream *stream;
	const char *data;
	size_t len;
};

/* In pieces of all sizes, so that packets are of all sizes. */
static void send_pieces(void *arg)
{
	struct sending *s = arg;
	struct err err = { 0 };
	size_t n;

	for (size_t at = 0; at < s->len; at += n) {
		n = (size_t)rand() % 100000 + 1;
		if (n > s->len - at)
			n = s->len - at;
		if (stream_write(s->stream, s->data + at, n, SSHD_SOON, &err) <
		    0)
			fail_with_err(&err);
	}
}

/* There and back; every byte must be the same. */
static void echo_bytes(struct link *l, size_t len)
{
	AUTO_FREE char *data = random_bytes(len), *back = xmalloc(len);
	struct sending s = { l->stream, data, len };
	struct task *sender =
		task_start(task_loop(), "sender", send_pieces, &s);
	struct err err = { 0 };
	size_t got = 0;

	while (got < len) {
		ssize_t n = stream_read(l->stream, back + got, len - got,
					SSHD_SOON, &err);

		if (n < 0)
			fail_with_err(&err);
		assert_true(n > 0);
		got += (size_t)n;
	}
	task_join(sender);
	assert_memory_equal(back, data, len);
}

static void expect_same(const char *extra)
{
	struct link l = { .sshd = NULL };

	begin(&l, extra);
	echo_bytes(&l, 4 * MIB);
	finish(&l);
}

/* A new key about a dozen times, with packets on their way. */
IN_TASK(bytes_survive_key_exchanges)
{
	expect_same("RekeyLimit 512K\n");
}

IN_TASK(bytes_survive_each_cipher_and_mac)
{
	static const char *const limits[] = {
		"Ciphers aes256-ctr\n",
		"Ciphers aes192-ctr\nMACs hmac-sha2-512\n",
		"Ciphers aes128-ctr\nMACs hmac-sha2-256\nRekeyLimit 1M\n",
#if LIBSSH2_VERSION_NUM >= 0x010b01
		"Ciphers aes128-gcm@openssh.com\nRekeyLimit 1M\n",
		"Ciphers aes256-gcm@openssh.com\nRekeyLimit 1M\n",
#endif
	};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		expect_same(limits[i]);
}

/* The one whose OpenSSL is known to be called so. */
static bool is_openssl_build(void)
{
	return dlsym(RTLD_DEFAULT, "EVP_Cipher") != NULL;
}

IN_TASK(packets_of_a_stream_are_encrypted_whole)
{
	struct link l = { .sshd = NULL };
	uint64_t before;

	if (!is_openssl_build())
		skip();
	begin(&l, "RekeyLimit 1M\n");
	echo_bytes(&l, MIB);
	before = whole_packets(&l);
	assert_true(before > MIB / 65536);
	echo_bytes(&l, 4 * MIB);
	assert_true(whole_packets(&l) - before > 4 * MIB / 65536);
	finish(&l);
}
