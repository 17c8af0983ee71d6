/* SPDX-License-Identifier: MIT */
/* cipher_received: the key stream of what is received, in bulk. */
#include "transport/endpoint/cipher_received.h"

#include <openssl/crypto.h>

enum {
	LENGTH_BYTES = 4,
	COUNTER_BYTES = 8, /* at the end of an IV */
	GCM_MIN = 256,	   /* for less it does not pay */
};

/* --- contexts ------------------------------------------------------------- */

/* Leaves alone what it need not touch: most of it is never used. */
void cipher_received_init(struct cipher_received *r, cipher_fn *cipher)
{
	memset(r, 0, offsetof(struct cipher_received, came));
	r->cipher = cipher;
}

static void no_stream(struct cipher_received *r)
{
	OPENSSL_cleanse(r->stream, r->made);
	r->used = r->made = r->quick = r->len = 0;
}

static void no_counter(struct cipher_received *r)
{
	EVP_CIPHER_CTX_free(r->counter);
	r->counter = NULL;
	no_stream(r);
}

void cipher_received_forget(struct cipher_received *r)
{
	r->ctx = NULL;
	no_counter(r);
}

static const EVP_CIPHER *counter_mode(int key_len)
{
	switch (key_len) {
	case 16:
		return EVP_aes_128_ctr();
	case 32:
		return EVP_aes_256_ctr();
	default:
		return NULL;
	}
}

static void start_counter(struct cipher_received *r, const unsigned char *key,
			  const unsigned char *iv)
{
	const EVP_CIPHER *cipher =
		counter_mode(EVP_CIPHER_CTX_key_length(r->ctx));

	if (!cipher || !iv ||
	    EVP_CIPHER_CTX_iv_length(r->ctx) != CIPHER_RECEIVED_IV)
		return;
	r->counter = EVP_CIPHER_CTX_new();
	if (!r->counter ||
	    EVP_EncryptInit_ex(r->counter, cipher, NULL, key, NULL) != 1)
		no_counter(r);
	memcpy(r->iv, iv, sizeof(r->iv));
	r->agrees = false;
}

void cipher_received_use(struct cipher_received *r, EVP_CIPHER_CTX *ctx,
			 const unsigned char *key, const unsigned char *iv)
{
	cipher_received_forget(r);
	r->ctx = ctx;
	r->gcm = EVP_CIPHER_CTX_mode(ctx) == EVP_CIPH_GCM_MODE;
	if (r->gcm)
		start_counter(r, key, iv);
}

/* --- the key stream ------------------------------------------------------- */

/* The next @len bytes of it that @ctx makes. */
static bool make_stream(struct cipher_received *r, EVP_CIPHER_CTX *ctx,
			size_t len)
{
	int rc;

	r->used = 0;
	r->made = len;
	memset(r->stream, 0, len);
	rc = r->cipher(ctx, r->stream, r->stream, (unsigned int)len);
	r->returns_one = rc == 1;
	r->quick = r->gcm ? 0 : len;
	return rc >= 1;
}

/* @out may be @in. */
static void apply(const unsigned char *key, unsigned char *out,
		  const unsigned char *in, size_t len)
{
	uint64_t a, b;
	size_t i = 0;

	for (; i + sizeof(a) <= len; i += sizeof(a)) {
		memcpy(&a, in + i, sizeof(a));
		memcpy(&b, key + i, sizeof(b));
		a ^= b;
		memcpy(out + i, &a, sizeof(a));
	}
	for (; i < len; i++)
		out[i] = in[i] ^ key[i];
}

/* --- counter mode --------------------------------------------------------- */

static int crypt_ctr(struct cipher_received *r, unsigned char *out,
		     const unsigned char *in, unsigned int len)
{
	size_t n;

	for (size_t done = 0; done < len; done += n) {
		if (r->used == r->made &&
		    !make_stream(r, r->ctx, CIPHER_RECEIVED_AHEAD))
			return -1;
		n = r->made - r->used;
		if (n > len - done)
			n = len - done;
		apply(r->stream + r->used, out + done, in + done, n);
		r->used += n;
	}
	return cipher_received_result(r, len);
}

/* --- GCM ------------------------------------------------------------------ */

/* RFC 5647, section 7.1: the last eight bytes count packets. */
static void count_packet(struct cipher_received *r)
{
	for (size_t i = sizeof(r->iv); i > sizeof(r->iv) - COUNTER_BYTES; i--) {
		if (++r->iv[i - 1])
			return;
	}
}

/* A packet's first block is the second one of the counter. */
static bool make_packet(struct cipher_received *r, size_t len)
{
	unsigned char block[CIPHER_RECEIVED_BLOCK] = { 0 };

	memcpy(block, r->iv, sizeof(r->iv));
	block[sizeof(block) - 1] = 2;
	return EVP_EncryptInit_ex(r->counter, NULL, NULL, NULL, block) == 1 &&
	       make_stream(r, r->counter, len);
}

/* Its length was passed. */
static void begin_packet(struct cipher_received *r, const unsigned char *in)
{
	size_t len = ((size_t)in[0] << 24) | ((size_t)in[1] << 16) |
		     ((size_t)in[2] << 8) | in[3];

	no_stream(r);
	if (r->counter && len && len <= CIPHER_RECEIVED_MAX &&
	    (len >= GCM_MIN || !r->agrees)) {
		if (make_packet(r, len))
			r->len = len;
		else
			no_counter(r);
		/* the last block is that of catch_up() */
		if (r->agrees && r->len)
			r->quick = r->len - 1;
	}
	count_packet(r);
}

/* OpenSSL gets what libssh2 was given decrypted, and must agree. */
static int catch_up(struct cipher_received *r)
{
	size_t n = r->used;
	int rc = 1;

	if (r->agrees && n) {
		rc = r->cipher(r->ctx, r->theirs, r->came, (unsigned int)n);
		apply(r->stream, r->came, r->came, n);
		if (rc >= 1 && memcmp(r->theirs, r->came, n))
			rc = -1;
		OPENSSL_cleanse(r->theirs, n);
		OPENSSL_cleanse(r->came, n);
	}
	no_stream(r);
	return rc;
}

/* Both decrypt it. */
static int compare(struct cipher_received *r, unsigned char *out,
		   const unsigned char *in, unsigned int len)
{
	unsigned char *ours = r->came + r->used;
	int rc;

	apply(r->stream + r->used, ours, in, len);
	rc = r->cipher(r->ctx, out, in, len);
	if (rc < 1)
		return rc;
	if (memcmp(ours, out, len)) {
		no_counter(r);
		return rc;
	}
	r->used += len;
	if (r->used == r->len) {
		no_stream(r);
		r->agrees = true;
	}
	return rc;
}

static int crypt_gcm(struct cipher_received *r, unsigned char *out,
		     const unsigned char *in, unsigned int len)
{
	if (!r->len || len > r->len - r->used) {
		if (r->len && catch_up(r) < 1)
			return -1;
		return r->cipher(r->ctx, out, in, len);
	}
	if (!r->agrees)
		return compare(r, out, in, len);
	memcpy(r->came + r->used, in, len);
	apply(r->stream + r->used, out, r->came + r->used, len);
	r->used += len;
	if (r->used == r->len && catch_up(r) < 1)
		return -1;
	return (int)len;
}

int cipher_received_crypt(struct cipher_received *r, unsigned char *out,
			  const unsigned char *in, unsigned int len)
{
	int rc;

	if (out && in)
		return r->gcm ? crypt_gcm(r, out, in, len)
			      : crypt_ctr(r, out, in, len);
	if (r->len && catch_up(r) < 1)
		return -1;
	rc = r->cipher(r->ctx, out, in, len);
	if (r->gcm && in && !out && len == LENGTH_BYTES && rc >= 0)
		begin_packet(r, in);
	return rc;
}
