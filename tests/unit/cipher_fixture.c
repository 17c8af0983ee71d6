/* SPDX-License-Identifier: MIT */
/* cipher_fixture: packets, as libssh2 encrypts and decrypts them. */
#include "tests/unit/cipher_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"

static bool is_gcm(const EVP_CIPHER_CTX *ctx)
{
	return EVP_CIPHER_CTX_mode(ctx) == EVP_CIPH_GCM_MODE;
}

void cipher_key(unsigned int seed, unsigned char *key, unsigned char *iv)
{
	for (int i = 0; i < EVP_MAX_KEY_LENGTH; i++)
		key[i] = (unsigned char)(seed * 31 + (unsigned int)i * 7);
	for (int i = 0; i < EVP_MAX_IV_LENGTH; i++)
		iv[i] = (unsigned char)(seed * 17 + (unsigned int)i * 5);
	/* a carry from byte to byte soon */
	iv[EVP_MAX_IV_LENGTH - 1] = iv[11] = 0xfe;
}

EVP_CIPHER_CTX *cipher_context(const EVP_CIPHER *cipher, unsigned int seed,
			       bool sends)
{
	unsigned char key[EVP_MAX_KEY_LENGTH], iv[EVP_MAX_IV_LENGTH];
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	cipher_key(seed, key, iv);
	assert_int_equal(EVP_CipherInit(ctx, cipher, key, iv, sends), 1);
	if (is_gcm(ctx))
		assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx,
						     EVP_CTRL_AEAD_SET_IV_FIXED,
						     -1, iv),
				 1);
	return ctx;
}

size_t cipher_packet(unsigned char *p, const EVP_CIPHER_CTX *ctx, size_t size)
{
	size_t total = is_gcm(ctx) ? CIPHER_LENGTH + size : size;
	size_t length = total - CIPHER_LENGTH;

	p[0] = (unsigned char)(length >> 24);
	p[1] = (unsigned char)(length >> 16);
	p[2] = (unsigned char)(length >> 8);
	p[3] = (unsigned char)length;
	p[4] = 4;
	for (size_t i = 5; i < total; i++)
		p[i] = (unsigned char)rand();
	return total;
}

/* _libssh2_cipher_crypt() of 1.11.1 */
static int crypt_block(cipher_caller *call, void *arg, EVP_CIPHER_CTX *ctx,
		       unsigned char *block, size_t size, bool first, bool last)
{
	unsigned char buf[2 * CIPHER_BLOCK];
	bool gcm = is_gcm(ctx), sends = EVP_CIPHER_CTX_encrypting(ctx);
	size_t aad = gcm && first ? CIPHER_LENGTH : 0;
	size_t tag = gcm && last ? CIPHER_TAG : 0;
	size_t len = size - aad - tag;
	char last_iv[1];

	if (gcm && first)
		(void)EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_IV_GEN, 1, last_iv);
	if (aad && call(arg, ctx, NULL, block, (unsigned int)aad) < 0)
		return -1;
	if (tag && !sends)
		(void)EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, CIPHER_TAG,
					  block + size - tag);
	if (len &&
	    call(arg, ctx, buf + aad, block + aad, (unsigned int)len) < 0)
		return -1;
	if (last && call(arg, ctx, NULL, NULL, 0) < 0)
		return -1;
	if (tag && sends)
		(void)EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, CIPHER_TAG,
					  block + size - tag);
	memcpy(block + aad, buf + aad, len);
	return 0;
}

/* The end of _libssh2_transport_send(), and decrypt(). */
int cipher_blocks(cipher_caller *call, void *arg, EVP_CIPHER_CTX *ctx,
		  unsigned char *p, size_t len)
{
	bool gcm = is_gcm(ctx), sends = EVP_CIPHER_CTX_encrypting(ctx);
	size_t end = gcm && !sends ? len + CIPHER_TAG : len;
	size_t size;

	for (size_t i = 0; i < end; i += size) {
		bool last = !(gcm && sends) && end - i < 2 * CIPHER_BLOCK;

		size = end - i < CIPHER_BLOCK ? end - i : CIPHER_BLOCK;
		if (gcm && last)
			size = end - i;
		last = last && size == end - i;
		if (crypt_block(call, arg, ctx, p + i, size, i == 0, last) < 0)
			return -1;
	}
	if (!gcm || !sends)
		return 0;
	return crypt_block(call, arg, ctx, p + len, CIPHER_TAG, false, true);
}

void cipher_at_once(EVP_CIPHER_CTX *ctx, unsigned char *p, size_t len)
{
	bool gcm = is_gcm(ctx), sends = EVP_CIPHER_CTX_encrypting(ctx);
	size_t skip = gcm ? CIPHER_LENGTH : 0;
	char last_iv[1];
	int n;

	if (gcm) {
		(void)EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_IV_GEN, 1, last_iv);
		assert_int_equal(
			EVP_CipherUpdate(ctx, NULL, &n, p, CIPHER_LENGTH), 1);
	}
	if (gcm && !sends)
		(void)EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, CIPHER_TAG,
					  p + len);
	assert_int_equal(EVP_CipherUpdate(ctx, p + skip, &n, p + skip,
					  (int)(len - skip)),
			 1);
	if (!gcm)
		return;
	assert_int_equal(EVP_CipherFinal_ex(ctx, p, &n), 1);
	if (sends)
		(void)EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, CIPHER_TAG,
					  p + len);
}
