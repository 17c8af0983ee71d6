/* SPDX-License-Identifier: MIT */
/*
 * cipher_fixture: what libssh2 does with a packet and EVP_Cipher(), block by
 * block, and what OpenSSL makes of the same packet in one piece.
 */
#ifndef TESTS_UNIT_CIPHER_FIXTURE_H
#define TESTS_UNIT_CIPHER_FIXTURE_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CIPHER_PACKET_MAX = 40000,
	CIPHER_TAG = 16,
	CIPHER_BLOCK = 16,
	CIPHER_LENGTH = 4,
};

/* EVP_Cipher(), or what is called in its place. */
typedef int cipher_caller(void *arg, EVP_CIPHER_CTX *ctx, unsigned char *out,
			  const unsigned char *in, unsigned int len);

/* A direction, as libssh2 sets it up: the same for the same @seed. */
EVP_CIPHER_CTX *cipher_context(const EVP_CIPHER *cipher, unsigned int seed,
			       bool sends);
void cipher_key(unsigned int seed, unsigned char *key, unsigned char *iv);

/*
 * A packet at @p, plain, whose encrypted part has @size bytes. Returns the
 * bytes that it takes, without tag.
 */
size_t cipher_packet(unsigned char *p, const EVP_CIPHER_CTX *ctx, size_t size);
/*
 * Encrypts or decrypts the packet at @p, as libssh2 1.11.1 does; that is as
 * 1.10 does in counter mode, but for a last call without bytes. With GCM the
 * tag follows the packet. 0, or -1.
 */
int cipher_blocks(cipher_caller *call, void *arg, EVP_CIPHER_CTX *ctx,
		  unsigned char *p, size_t len);
/* The same in one piece, by OpenSSL alone. */
void cipher_at_once(EVP_CIPHER_CTX *ctx, unsigned char *p, size_t len);

#endif
