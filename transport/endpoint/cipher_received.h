/* SPDX-License-Identifier: MIT */
/*
 * cipher_received: makes the key stream of what is received in bulk, where
 * libssh2 asks for 16 bytes at a time.
 *
 * Nothing shows how much of a packet has come when libssh2 asks for a block of
 * it; the key stream does not depend on it. In counter mode so many bytes of it
 * are made at a time, with libssh2's own context.
 *
 * With GCM it is that of one packet, whose length comes first and is not
 * secret, made by a context of its own in counter mode. OpenSSL then gets the
 * same packet in one piece: it checks the tag, and what it decrypts must be
 * what libssh2 was given. The first packet is decrypted by both, block by
 * block, to see that they agree.
 */
#ifndef TRANSPORT_ENDPOINT_CIPHER_RECEIVED_H
#define TRANSPORT_ENDPOINT_CIPHER_RECEIVED_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "transport/endpoint/cipher_sent.h"

enum {
	CIPHER_RECEIVED_BLOCK = 16,
	CIPHER_RECEIVED_AHEAD = 4096, /* in counter mode */
	CIPHER_RECEIVED_MAX = 40000,  /* libssh2 refuses larger packets */
	CIPHER_RECEIVED_IV = 12,      /* of GCM */
};

struct cipher_received {
	cipher_fn *cipher;
	EVP_CIPHER_CTX *ctx; /* NULL: none */
	bool gcm;
	bool returns_one;  /* @cipher does, instead of the length */
	size_t used, made; /* of the stream */
	size_t quick;	   /* up to there blocks need no more than an XOR */

	/* GCM */
	EVP_CIPHER_CTX *counter; /* makes the key stream; NULL: nothing does */
	unsigned char iv[CIPHER_RECEIVED_IV]; /* of the next packet */
	bool agrees; /* with OpenSSL's GCM, for a packet */
	size_t len;  /* of the packet that has a stream; 0: none */
	unsigned char came[CIPHER_RECEIVED_MAX];
	unsigned char theirs[CIPHER_RECEIVED_MAX]; /* as OpenSSL decrypts it */

	unsigned char stream[CIPHER_RECEIVED_MAX];
};

/* @cipher: EVP_Cipher(). */
void cipher_received_init(struct cipher_received *r, cipher_fn *cipher);
/*
 * Packets are decrypted with @ctx from here on, which has just got this key and
 * @iv; it is in counter mode or GCM.
 */
void cipher_received_use(struct cipher_received *r, EVP_CIPHER_CTX *ctx,
			 const unsigned char *key, const unsigned char *iv);
/* There is no such context any more. */
void cipher_received_forget(struct cipher_received *r);

/* EVP_Cipher() with its context. */
int cipher_received_crypt(struct cipher_received *r, unsigned char *out,
			  const unsigned char *in, unsigned int len);

/* What EVP_Cipher() returns for @len bytes that went well. */
static inline int cipher_received_result(const struct cipher_received *r,
					 unsigned int len)
{
	return r->returns_one ? 1 : (int)len;
}

/* Decrypts a block, in its place or not, if nothing else is to be done. */
static inline bool cipher_received_block(struct cipher_received *r,
					 const EVP_CIPHER_CTX *ctx,
					 unsigned char *out,
					 const unsigned char *in)
{
	uint64_t data[2], key[2];

	if (ctx != r->ctx || r->used + sizeof(key) > r->quick)
		return false;
	memcpy(key, r->stream + r->used, sizeof(key));
	memcpy(data, in, sizeof(data));
	if (r->gcm)
		memcpy(r->came + r->used, data, sizeof(data));
	data[0] ^= key[0];
	data[1] ^= key[1];
	memcpy(out, data, sizeof(data));
	r->used += sizeof(key);
	return true;
}

#endif
