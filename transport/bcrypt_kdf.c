/* SPDX-License-Identifier: MIT */
/*
 * bcrypt_kdf: bcrypt_pbkdf(3): PBKDF2 with a hash that is Blowfish with an
 * expensive key schedule, whose first state is the digits of pi.
 */
#include "transport/bcrypt_kdf.h"

#include <openssl/bn.h>
#include <openssl/sha.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "transport/base/xalloc.h"

enum {
	SUBKEYS = 18,
	BOX = 256,
	BOXES = 4,
	STATE_WORDS = SUBKEYS + BOXES * BOX,
	HASH_BYTES = 32,
	KEY_MAX = 1024,
	SALT_MAX = 1024,
};

/* --- pi ------------------------------------------------------------------- */

/* Bits behind the point, the last of which may be wrong. */
enum { PI_BITS = STATE_WORDS * 32 + 64 };

/* @sum becomes @times * arctan(1 / @x), scaled by 2 to the PI_BITS. */
static void scaled_arctan(BIGNUM *sum, BN_ULONG times, BN_ULONG x)
{
	BIGNUM *power = BN_new(), *term = BN_new();

	BN_set_bit(power, PI_BITS);
	BN_mul_word(power, times);
	(void)BN_div_word(power, x);
	BN_copy(sum, power);
	for (BN_ULONG n = 3; !BN_is_zero(power); n += 2) {
		(void)BN_div_word(power, x * x);
		BN_copy(term, power);
		(void)BN_div_word(term, n);
		if (n % 4 == 3)
			BN_sub(sum, sum, term);
		else
			BN_add(sum, sum, term);
	}
	BN_free(power);
	BN_free(term);
}

/* Machin: pi = 16 arctan(1/5) - 4 arctan(1/239). */
static void pi_fraction(uint32_t *words)
{
	unsigned char bytes[PI_BITS / 8];
	BIGNUM *pi = BN_new(), *b = BN_new();

	scaled_arctan(pi, 16, 5);
	scaled_arctan(b, 4, 239);
	BN_sub(pi, pi, b);
	BN_mask_bits(pi, PI_BITS);
	BN_bn2binpad(pi, bytes, sizeof(bytes));
	for (size_t i = 0; i < STATE_WORDS; i++)
		words[i] = (uint32_t)bytes[4 * i] << 24 |
			   (uint32_t)bytes[4 * i + 1] << 16 |
			   (uint32_t)bytes[4 * i + 2] << 8 | bytes[4 * i + 3];
	BN_free(pi);
	BN_free(b);
}

/* --- Blowfish ------------------------------------------------------------- */

/* Its subkeys, then its boxes. */
struct blowfish {
	uint32_t words[STATE_WORDS];
};

static uint32_t mix(const struct blowfish *b, uint32_t x)
{
	const uint32_t *box = b->words + SUBKEYS;

	return ((box[x >> 24] + box[BOX + (x >> 16 & 255)]) ^
		box[2 * BOX + (x >> 8 & 255)]) +
	       box[3 * BOX + (x & 255)];
}

static void encipher(const struct blowfish *b, uint32_t pair[2])
{
	uint32_t l = pair[0] ^ b->words[0], r = pair[1];

	for (size_t i = 1; i < SUBKEYS - 1; i += 2) {
		r ^= mix(b, l) ^ b->words[i];
		l ^= mix(b, r) ^ b->words[i + 1];
	}
	pair[0] = r ^ b->words[SUBKEYS - 1];
	pair[1] = l;
}

/* The next four bytes of @data, over and over. */
static uint32_t next_word(const unsigned char data[SHA512_DIGEST_LENGTH],
			  size_t *at)
{
	uint32_t word = 0;

	for (int i = 0; i < 4; i++)
		word = word << 8 | data[(*at)++ % SHA512_DIGEST_LENGTH];
	return word;
}

/* @salt NULL: none. */
static void expand(struct blowfish *b, const unsigned char *salt,
		   const unsigned char *key)
{
	uint32_t pair[2] = { 0, 0 };
	size_t at = 0;

	for (size_t i = 0; i < SUBKEYS; i++)
		b->words[i] ^= next_word(key, &at);
	at = 0;
	for (size_t i = 0; i < STATE_WORDS; i += 2) {
		if (salt) {
			pair[0] ^= next_word(salt, &at);
			pair[1] ^= next_word(salt, &at);
		}
		encipher(b, pair);
		b->words[i] = pair[0];
		b->words[i + 1] = pair[1];
	}
}

static void hash(const struct blowfish *pi, const unsigned char *pass,
		 const unsigned char *salt, unsigned char out[HASH_BYTES])
{
	static const unsigned char text[] = "OxychromaticBlowfishSwatDynamite";
	struct blowfish b = *pi;
	size_t at = 0;

	expand(&b, salt, pass);
	for (int i = 0; i < 64; i++) {
		expand(&b, NULL, salt);
		expand(&b, NULL, pass);
	}
	for (size_t i = 0; i < HASH_BYTES; i += 8) {
		uint32_t pair[2];

		for (int j = 0; j < 2; j++, at += 4)
			pair[j] = (uint32_t)text[at] << 24 |
				  (uint32_t)text[at + 1] << 16 |
				  (uint32_t)text[at + 2] << 8 | text[at + 3];
		for (int j = 0; j < 64; j++)
			encipher(&b, pair);
		for (size_t j = 0; j < 8; j++)
			out[i + j] =
				(unsigned char)(pair[j / 4] >> (8 * (j % 4)));
	}
	explicit_bzero(&b, sizeof(b));
}

/* --- PBKDF2 --------------------------------------------------------------- */

/* One block: all rounds, from the salt and the block's number. */
static void derive(const struct blowfish *pi, const unsigned char *pass,
		   const unsigned char *salt, size_t salt_len,
		   unsigned int rounds, unsigned char out[HASH_BYTES])
{
	unsigned char digest[SHA512_DIGEST_LENGTH], last[HASH_BYTES];

	SHA512(salt, salt_len, digest);
	hash(pi, pass, digest, last);
	memcpy(out, last, HASH_BYTES);
	while (--rounds) {
		SHA512(last, HASH_BYTES, digest);
		hash(pi, pass, digest, last);
		for (size_t i = 0; i < HASH_BYTES; i++)
			out[i] ^= last[i];
	}
	explicit_bzero(last, sizeof(last));
}

int bcrypt_kdf(const char *passphrase, const unsigned char *salt,
	       size_t salt_len, unsigned int rounds, unsigned char *key,
	       size_t key_len)
{
	unsigned char pass[SHA512_DIGEST_LENGTH], block[HASH_BYTES];
	unsigned char counted[SALT_MAX + 4];
	AUTO_FREE struct blowfish *pi = NULL;
	size_t blocks = (key_len + HASH_BYTES - 1) / HASH_BYTES;

	if (!*passphrase || !salt_len || salt_len > SALT_MAX || !rounds ||
	    !key_len || key_len > KEY_MAX)
		return -1;
	pi = XNEW(struct blowfish);
	pi_fraction(pi->words);
	SHA512((const unsigned char *)passphrase, strlen(passphrase), pass);
	memcpy(counted, salt, salt_len);
	/* the bytes of a block are spread over the whole key */
	for (size_t n = 0; n < blocks; n++) {
		const unsigned char number[4] = { 0, 0, 0,
						  (unsigned char)(n + 1) };

		memcpy(counted + salt_len, number, sizeof(number));
		derive(pi, pass, counted, salt_len + sizeof(number), rounds,
		       block);
		for (size_t i = 0; i < HASH_BYTES && i * blocks + n < key_len;
		     i++)
			key[i * blocks + n] = block[i];
	}
	explicit_bzero(pass, sizeof(pass));
	explicit_bzero(block, sizeof(block));
	return 0;
}
