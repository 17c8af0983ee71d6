/* SPDX-License-Identifier: MIT */
/*
 * cipher_sent: encrypts a packet in one call where libssh2 asks for 16 bytes
 * at a time, which costs more than the cipher itself.
 *
 * Theory of operation. libssh2 has OpenSSL encrypt each packet block by block,
 * in the buffer where it made it. When the first block is asked for, the whole
 * packet is there and begins with its length: it is encrypted in its place,
 * and the blocks that follow are found done.
 *
 *	│ length │ padding length │ payload … │ padding … │
 *	▲ block 0      ▲ block 1      ▲ block 2 …         ▲ end
 *
 * Nothing of this is taken for granted. Packets are watched first, and what is
 * read ahead of libssh2 is only what it has shown before:
 *
 *	shown	Blocks that followed each other from the first one up to the
 *		end, as the length had it: so many bytes are one buffer.
 *	proved	A packet that was not longer than that was copied at its first
 *		block. Each block was as in the copy when it was asked for, and
 *		its result was written over it: packets are complete at their
 *		first block, and encrypted in their place.
 *
 * A packet that is not longer than one that was proved is encrypted whole. Any
 * other is watched, and after anything unexpected each block is passed on to
 * OpenSSL for good. So it is with a library that hands over whole packets by
 * itself.
 *
 * With GCM the length is not encrypted; it is passed before the first block.
 */
#ifndef TRANSPORT_ENDPOINT_CIPHER_SENT_H
#define TRANSPORT_ENDPOINT_CIPHER_SENT_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CIPHER_SENT_BLOCK = 16,
	CIPHER_SENT_MAX = 35000, /* a packet; RFC 4253, section 6.1 */
};

enum cipher_sent_how {
	CIPHER_SENT_WATCHED, /* nothing is proved yet */
	CIPHER_SENT_WHOLE,
	CIPHER_SENT_LIBRARY, /* libssh2 hands whole packets over */
	CIPHER_SENT_BLOCKS,  /* as libssh2 has it */
};

/* EVP_Cipher(). */
typedef int cipher_fn(EVP_CIPHER_CTX *ctx, unsigned char *out,
		      const unsigned char *in, unsigned int len);

struct cipher_sent {
	cipher_fn *cipher;
	EVP_CIPHER_CTX *ctx; /* NULL: none */
	bool gcm;
	enum cipher_sent_how how;
	bool returns_one; /* @cipher does, instead of the length */
	uint64_t packets; /* that were encrypted in one call */

	/* the packet that is worked on; no address: none */
	const unsigned char *whole; /* the first block: encrypt all with it */
	const unsigned char *done;  /* the next block, which is encrypted */
	const unsigned char *at;    /* the next block, which is watched */
	const unsigned char *end;

	const unsigned char *first; /* where all of them begin */
	size_t shown, proved;

	/* of a packet that is compared */
	bool compared;
	unsigned char result[CIPHER_SENT_BLOCK]; /* of the block before */
	size_t result_len;
	unsigned char copy[CIPHER_SENT_MAX];
};

/* @cipher: EVP_Cipher(). */
void cipher_sent_init(struct cipher_sent *s, cipher_fn *cipher);
/*
 * Packets are encrypted with @ctx from here on, which has just got a key; it is
 * in counter mode or GCM.
 */
void cipher_sent_use(struct cipher_sent *s, EVP_CIPHER_CTX *ctx);
/* There is no such context any more. */
void cipher_sent_forget(struct cipher_sent *s);

/*
 * EVP_Cipher() with its context. -1 when libssh2 asks for something else than
 * the rest of a packet that is encrypted.
 */
int cipher_sent_crypt(struct cipher_sent *s, unsigned char *out,
		      const unsigned char *in, unsigned int len);

/* What EVP_Cipher() returns for @len bytes that went well. */
static inline int cipher_sent_result(const struct cipher_sent *s,
				     unsigned int len)
{
	return s->returns_one ? 1 : (int)len;
}

/*
 * Whether the block at @at is encrypted already: it counts as asked for, and
 * is to be left as it is.
 */
static inline bool cipher_sent_is_done(struct cipher_sent *s,
				       const EVP_CIPHER_CTX *ctx,
				       const unsigned char *at, size_t len)
{
	if (at != s->done || ctx != s->ctx || len > (size_t)(s->end - at))
		return false;
	s->done = at + len;
	if (s->done == s->end)
		s->done = s->copy; /* no block of a packet lies there */
	return true;
}

#endif
