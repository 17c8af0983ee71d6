/* SPDX-License-Identifier: MIT */
/* cipher_received: the key stream of what is received, in bulk. */
#include "transport/endpoint/cipher_received.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "tests/unit/cipher_fixture.h"
#include "tests/unit/test.h"
#include "transport/base/xalloc.h"

static unsigned int calls; /* of OpenSSL */

static int openssl(EVP_CIPHER_CTX *ctx, unsigned char *out,
		   const unsigned char *in, unsigned int len)
{
	calls++;
	return EVP_Cipher(ctx, out, in, len);
}

struct setup {
	struct cipher_received *r;
	EVP_CIPHER_CTX *peer, *ctx;
	unsigned char packet[CIPHER_PACKET_MAX], plain[CIPHER_PACKET_MAX];
};

static void use(struct setup *s, const EVP_CIPHER *cipher, unsigned int seed)
{
	unsigned char key[EVP_MAX_KEY_LENGTH], iv[EVP_MAX_IV_LENGTH];

	cipher_key(seed, key, iv);
	EVP_CIPHER_CTX_free(s->peer);
	EVP_CIPHER_CTX_free(s->ctx);
	s->peer = cipher_context(cipher, seed, true);
	s->ctx = cipher_context(cipher, seed, false);
	cipher_received_use(s->r, s->ctx, key, iv);
}

static struct setup *begin(const EVP_CIPHER *cipher)
{
	struct setup *s = XNEW(struct setup);

	s->r = XNEW(struct cipher_received);
	cipher_received_init(s->r, openssl);
	use(s, cipher, 1);
	calls = 0;
	return s;
}

static void finish(struct setup *s)
{
	cipher_received_forget(s->r);
	EVP_CIPHER_CTX_free(s->peer);
	EVP_CIPHER_CTX_free(s->ctx);
	free(s->r);
	free(s);
}

static int call(void *arg, EVP_CIPHER_CTX *ctx, unsigned char *out,
		const unsigned char *in, unsigned int len)
{
	struct setup *s = arg;

	assert_ptr_equal(ctx, s->ctx);
	if (len == CIPHER_BLOCK && out && in &&
	    cipher_received_block(s->r, ctx, out, in))
		return cipher_received_result(s->r, len);
	return cipher_received_crypt(s->r, out, in, len);
}

/* One of @size bytes comes and is decrypted. */
static int packet(struct setup *s, size_t size)
{
	size_t len = cipher_packet(s->packet, s->ctx, size);

	memcpy(s->plain, s->packet, len);
	cipher_at_once(s->peer, s->packet, len);
	if (cipher_blocks(call, s, s->ctx, s->packet, len) < 0)
		return -1;
	assert_memory_equal(s->packet, s->plain, len);
	return 0;
}

static void expect_all(const EVP_CIPHER *cipher)
{
	static const size_t sizes[] = { 32,    16,    256,  272, 4096,
					32768, 32736, 8192, 48,	 35008 };
	struct setup *s = begin(cipher);

	for (unsigned int seed = 1; seed < 4; seed++) {
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
			assert_int_equal(packet(s, sizes[i]), 0);
		use(s, cipher, seed + 1);
	}
	finish(s);
}

TEST(counter_mode_yields_what_openssl_does)
{
	expect_all(EVP_aes_128_ctr());
	expect_all(EVP_aes_192_ctr());
	expect_all(EVP_aes_256_ctr());
}

TEST(gcm_yields_what_openssl_does)
{
	expect_all(EVP_aes_128_gcm());
	expect_all(EVP_aes_256_gcm());
}

TEST(a_large_packet_takes_few_calls)
{
	const EVP_CIPHER *ciphers[] = { EVP_aes_128_ctr(), EVP_aes_128_gcm(),
					EVP_aes_256_gcm() };

	for (size_t i = 0; i < ARRAY_SIZE(ciphers); i++) {
		struct setup *s = begin(ciphers[i]);

		assert_int_equal(packet(s, 32), 0);
		calls = 0;
		assert_int_equal(packet(s, 32768), 0);
		assert_in_range(calls, 3, 12);
		finish(s);
	}
}

TEST(pieces_of_any_size_are_decrypted)
{
	struct setup *s = begin(EVP_aes_128_ctr());
	size_t len = cipher_packet(s->packet, s->ctx, 32768), n;

	memcpy(s->plain, s->packet, len);
	cipher_at_once(s->peer, s->packet, len);
	for (size_t i = 0; i < len; i += n) {
		unsigned char piece[6000];

		n = (size_t)rand() % sizeof(piece) + 1;
		if (n > len - i)
			n = len - i;
		assert_true(cipher_received_crypt(s->r, piece, s->packet + i,
						  (unsigned int)n) >= 1);
		memcpy(s->packet + i, piece, n);
	}
	assert_memory_equal(s->packet, s->plain, len);
	finish(s);
}

TEST(a_bit_flipped_under_gcm_is_noticed)
{
	for (int at = 4; at < 2000; at += 333) {
		struct setup *s = begin(EVP_aes_128_gcm());
		size_t len;

		assert_int_equal(packet(s, 512), 0);
		len = cipher_packet(s->packet, s->ctx, 2048);
		cipher_at_once(s->peer, s->packet, len);
		s->packet[at] ^= 1;
		assert_int_equal(cipher_blocks(call, s, s->ctx, s->packet, len),
				 -1);
		finish(s);
	}
}

/* An IV that counts otherwise. */
TEST(a_stream_that_differs_is_not_used)
{
	struct setup *s = begin(EVP_aes_128_gcm());

	s->r->iv[0] ^= 1;
	assert_int_equal(packet(s, 2048), 0);
	assert_false(s->r->agrees);
	assert_int_equal(packet(s, 2048), 0);
	calls = 0;
	assert_int_equal(packet(s, 2048), 0);
	assert_true(calls > 2048 / CIPHER_BLOCK);
	finish(s);
}

TEST(a_stream_that_goes_wrong_later_is_an_error)
{
	struct setup *s = begin(EVP_aes_128_gcm());

	assert_int_equal(packet(s, 2048), 0);
	assert_int_equal(packet(s, 2048), 0);
	s->r->iv[0] ^= 1;
	(void)cipher_packet(s->packet, s->ctx, 2048);
	cipher_at_once(s->peer, s->packet, CIPHER_LENGTH + 2048);
	assert_int_equal(cipher_blocks(call, s, s->ctx, s->packet,
				       CIPHER_LENGTH + 2048),
			 -1);
	finish(s);
}

TEST(a_new_key_drops_the_stream_of_the_old_one)
{
	struct setup *s = begin(EVP_aes_128_ctr());

	assert_int_equal(packet(s, 512), 0);
	assert_true(s->r->made > s->r->used);
	use(s, EVP_aes_256_ctr(), 7);
	assert_int_equal(packet(s, 512), 0);
	finish(s);
}
