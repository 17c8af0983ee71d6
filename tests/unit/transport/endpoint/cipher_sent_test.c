/* SPDX-License-Identifier: MIT */
/* cipher_sent: whole packets, as far as libssh2 has shown that it can be. */
#include "transport/endpoint/cipher_sent.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/cipher_fixture.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static unsigned int calls, largest; /* of OpenSSL */

static int openssl(EVP_CIPHER_CTX *ctx, unsigned char *out,
		   const unsigned char *in, unsigned int len)
{
	calls++;
	if (len > largest)
		largest = len;
	return EVP_Cipher(ctx, out, in, len);
}

struct setup {
	struct cipher_sent *s;
	EVP_CIPHER_CTX *alone, *ctx;
	unsigned char buffer[2][CIPHER_PACKET_MAX], expected[CIPHER_PACKET_MAX];
	/* a library that misbehaves: before block @when of a packet */
	unsigned int block, when;
	void (*what)(struct setup *t, const unsigned char *in);
};

static void use(struct setup *t, const EVP_CIPHER *cipher, unsigned int seed)
{
	EVP_CIPHER_CTX_free(t->alone);
	EVP_CIPHER_CTX_free(t->ctx);
	t->alone = cipher_context(cipher, seed, true);
	t->ctx = cipher_context(cipher, seed, true);
	cipher_sent_use(t->s, t->ctx);
}

static struct setup *begin(const EVP_CIPHER *cipher)
{
	struct setup *t = XNEW(struct setup);

	t->s = XNEW(struct cipher_sent);
	cipher_sent_init(t->s, openssl);
	use(t, cipher, 1);
	return t;
}

static void finish(struct setup *t)
{
	EVP_CIPHER_CTX_free(t->alone);
	EVP_CIPHER_CTX_free(t->ctx);
	free(t->s);
	free(t);
}

static int call(void *arg, EVP_CIPHER_CTX *ctx, unsigned char *out,
		const unsigned char *in, unsigned int len)
{
	struct setup *t = arg;

	assert_ptr_equal(ctx, t->ctx);
	if (out && t->what && ++t->block == t->when)
		t->what(t, in);
	return cipher_sent_crypt(t->s, out, in, len);
}

/* One is sent from buffer @where; as by OpenSSL alone, or -1. */
static int packet_from(struct setup *t, int where, size_t size)
{
	unsigned char *p = t->buffer[where];
	size_t len = cipher_packet(p, t->ctx, size);
	size_t tag = EVP_CIPHER_CTX_mode(t->ctx) == EVP_CIPH_GCM_MODE
			     ? CIPHER_TAG
			     : 0;

	calls = largest = t->block = 0;
	memcpy(t->expected, p, len);
	cipher_at_once(t->alone, t->expected, len);
	if (cipher_blocks(call, t, t->ctx, p, len) < 0)
		return -1;
	assert_memory_equal(p, t->expected, len + tag);
	return 0;
}

static void packet(struct setup *t, size_t size)
{
	assert_int_equal(packet_from(t, 0, size), 0);
}

/* The last one was handed to OpenSSL so. */
static void expect_whole(size_t size)
{
	assert_int_equal(largest, size);
	assert_in_range(calls, 1, 3);
}

static void expect_blocks(size_t size)
{
	assert_int_equal(largest, CIPHER_BLOCK);
	assert_true(calls >= size / CIPHER_BLOCK);
}

static struct setup *begin_proved(size_t size)
{
	struct setup *t = begin(EVP_aes_128_ctr());

	packet(t, size);
	packet(t, size);
	assert_int_equal(t->s->how, CIPHER_SENT_WHOLE);
	return t;
}

static void expect_bytes(const EVP_CIPHER *cipher)
{
	static const size_t sizes[] = { 16,   48,   32,	   64,	  64,  128,
					4096, 4096, 32768, 32736, 16,  32768,
					48,   8192, 34992, 34992, 320, 34992 };
	struct setup *t = begin(cipher);

	for (unsigned int seed = 1; seed < 4; seed++) {
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
			packet(t, sizes[i]);
		assert_int_equal(t->s->how, CIPHER_SENT_WHOLE);
		use(t, cipher, seed + 1);
	}
	finish(t);
}

TEST(counter_mode_yields_what_openssl_does)
{
	expect_bytes(EVP_aes_128_ctr());
	expect_bytes(EVP_aes_192_ctr());
	expect_bytes(EVP_aes_256_ctr());
}

TEST(gcm_yields_what_openssl_does)
{
	expect_bytes(EVP_aes_128_gcm());
	expect_bytes(EVP_aes_256_gcm());
}

TEST(the_third_packet_of_a_size_is_encrypted_whole)
{
	const EVP_CIPHER *ciphers[] = { EVP_aes_128_ctr(), EVP_aes_128_gcm() };

	for (size_t i = 0; i < ARRAY_SIZE(ciphers); i++) {
		struct setup *t = begin(ciphers[i]);

		packet(t, 1024);
		expect_blocks(1024);
		packet(t, 1024);
		expect_blocks(1024);
		packet(t, 1024);
		expect_whole(1024);
		packet(t, 256);
		expect_whole(256);
		assert_int_equal(t->s->packets, 2);
		finish(t);
	}
}

TEST(a_longer_packet_than_proved_is_watched)
{
	struct setup *t = begin_proved(1024);

	packet(t, 2048);
	expect_blocks(2048);
	packet(t, 1040);
	expect_blocks(1040);
	packet(t, 1040);
	expect_whole(1040);
	packet(t, 2048);
	expect_blocks(2048);
	packet(t, 2048);
	expect_whole(2048);
	finish(t);
}

TEST(another_buffer_is_watched_anew)
{
	struct setup *t = begin_proved(1024);

	assert_int_equal(packet_from(t, 1, 1024), 0);
	expect_blocks(1024);
	assert_int_equal(packet_from(t, 1, 1024), 0);
	expect_blocks(1024);
	assert_int_equal(packet_from(t, 1, 1024), 0);
	expect_whole(1024);
	finish(t);
}

TEST(what_was_proved_outlives_a_key)
{
	struct setup *t = begin_proved(1024);

	use(t, EVP_aes_256_ctr(), 9);
	packet(t, 1024);
	expect_whole(1024);
	finish(t);
}

/* --- libraries that do otherwise ------------------------------------------ */

/* Block @when was not there yet at the first one. */
static void write_late(struct setup *t, const unsigned char *in)
{
	t->buffer[0][in - t->buffer[0]] ^= 0x55;
}

TEST(a_packet_that_is_completed_late_is_never_encrypted_whole)
{
	struct setup *t = begin(EVP_aes_128_ctr());
	unsigned char *p = t->buffer[0];

	t->what = write_late;
	t->when = 5;
	for (int i = 0; i < 4; i++) {
		size_t len = cipher_packet(p, t->ctx, 1024);

		largest = t->block = 0;
		assert_int_equal(cipher_blocks(call, t, t->ctx, p, len), 0);
		assert_int_equal(largest, CIPHER_BLOCK);
	}
	assert_int_equal(t->s->how, CIPHER_SENT_BLOCKS);
	finish(t);
}

/* The result goes elsewhere: block 2 is still plain when 3 is asked for. */
static void keep_plain(struct setup *t, const unsigned char *in)
{
	t->buffer[0][in - t->buffer[0] - 1] ^= 1;
}

TEST(results_that_are_not_written_back_are_noticed)
{
	struct setup *t = begin(EVP_aes_128_ctr());

	packet(t, 1024);
	t->what = keep_plain;
	t->when = 3;
	(void)cipher_packet(t->buffer[0], t->ctx, 1024);
	assert_int_equal(cipher_blocks(call, t, t->ctx, t->buffer[0], 1024), 0);
	assert_int_equal(t->s->how, CIPHER_SENT_BLOCKS);
	finish(t);
}

TEST(a_length_that_is_none_leaves_it_at_blocks)
{
	static const unsigned char bad[][5] = {
		{ 0, 0, 0, 13, 4 },   /* no whole blocks */
		{ 0, 1, 0, 12, 4 },   /* too long */
		{ 0, 0, 0, 28, 3 },   /* too little padding */
		{ 9, 'x', 'y', 1, 4 } /* no length at all: encrypt-then-MAC */
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct setup *t = begin_proved(1024);

		(void)cipher_packet(t->buffer[0], t->ctx, 1024);
		memcpy(t->buffer[0], bad[i], sizeof(bad[i]));
		memcpy(t->expected, t->buffer[0], 1024);
		cipher_at_once(t->alone, t->expected, 1024);
		largest = 0;
		assert_int_equal(
			cipher_blocks(call, t, t->ctx, t->buffer[0], 1024), 0);
		assert_memory_equal(t->buffer[0], t->expected, 1024);
		assert_int_equal(largest, CIPHER_BLOCK);
		assert_int_equal(t->s->how, CIPHER_SENT_BLOCKS);
		packet(t, 1024);
		expect_blocks(1024);
		finish(t);
	}
}

TEST(a_library_that_hands_over_whole_packets_is_left_alone)
{
	struct setup *t = begin(EVP_aes_128_ctr());
	unsigned char out[2048];

	for (int i = 0; i < 4; i++) {
		(void)cipher_packet(t->buffer[0], t->ctx, sizeof(out));
		memcpy(t->expected, t->buffer[0], sizeof(out));
		cipher_at_once(t->alone, t->expected, sizeof(out));
		calls = 0;
		assert_true(cipher_sent_crypt(t->s, out, t->buffer[0],
					      sizeof(out)) >= 1);
		assert_int_equal(calls, 1);
		assert_memory_equal(out, t->expected, sizeof(out));
	}
	assert_int_equal(t->s->how, CIPHER_SENT_LIBRARY);
	assert_int_equal(t->s->packets, 4);
	finish(t);
}

/* Bytes that nobody expects must not leave. */
TEST(another_block_within_a_whole_packet_is_an_error)
{
	struct setup *t = begin_proved(1024);
	unsigned char out[CIPHER_BLOCK], *p = t->buffer[0];

	(void)cipher_packet(p, t->ctx, 1024);
	assert_true(cipher_sent_crypt(t->s, out, p, CIPHER_BLOCK) >= 1);
	assert_int_equal(cipher_sent_crypt(t->s, out, p + 64, CIPHER_BLOCK),
			 -1);
	assert_int_equal(
		cipher_sent_crypt(t->s, out, t->buffer[1], CIPHER_BLOCK), -1);
	finish(t);
}
