/* SPDX-License-Identifier: MIT */
/* cipher_sent: whole packets where libssh2 asks for 16 bytes at a time. */
#include "transport/endpoint/cipher_sent.h"

#include <openssl/crypto.h>
#include <string.h>

enum { LENGTH_BYTES = 4, PADDING_MIN = 4 };

/* --- contexts ------------------------------------------------------------- */

static const unsigned char *nowhere(const struct cipher_sent *s)
{
	return s->copy;
}

static void no_packet(struct cipher_sent *s)
{
	s->whole = s->done = s->at = nowhere(s);
}

/* The copy is not cleared: most of it is used late or never. */
void cipher_sent_init(struct cipher_sent *s, cipher_fn *cipher)
{
	memset(s, 0, offsetof(struct cipher_sent, copy));
	s->cipher = cipher;
	no_packet(s);
}

/* What was shown of the buffer outlives a key. */
void cipher_sent_use(struct cipher_sent *s, EVP_CIPHER_CTX *ctx)
{
	s->ctx = ctx;
	s->gcm = EVP_CIPHER_CTX_mode(ctx) == EVP_CIPH_GCM_MODE;
	no_packet(s);
}

void cipher_sent_forget(struct cipher_sent *s)
{
	s->ctx = NULL;
	no_packet(s);
}

/* --- where packets begin -------------------------------------------------- */

static bool is_in_packet(const struct cipher_sent *s)
{
	return s->whole != nowhere(s) || s->done != nowhere(s) ||
	       s->at != nowhere(s);
}

static void leave_alone(struct cipher_sent *s)
{
	no_packet(s);
	s->how = CIPHER_SENT_BLOCKS;
	OPENSSL_cleanse(s->copy, s->shown);
}

static size_t length_at(const unsigned char *p)
{
	return ((size_t)p[0] << 24) | ((size_t)p[1] << 16) |
	       ((size_t)p[2] << 8) | p[3];
}

/* One of @size encrypted bytes, at @first. */
static void begin(struct cipher_sent *s, const unsigned char *first,
		  size_t size)
{
	if (!size || size % CIPHER_SENT_BLOCK || size > CIPHER_SENT_MAX) {
		leave_alone(s);
		return;
	}
	if (first != s->first) {
		s->first = first;
		s->shown = s->proved = 0;
		s->how = CIPHER_SENT_WATCHED;
	}
	s->end = first + size;
	if (size <= s->proved) {
		s->whole = first;
		return;
	}
	s->at = first;
	s->result_len = 0;
	s->compared = size <= s->shown && size > CIPHER_SENT_BLOCK;
	if (s->compared)
		memcpy(s->copy, first, size);
}

/* By its first block, which has the length. */
static void begin_ctr(struct cipher_sent *s, const unsigned char *in,
		      size_t len)
{
	size_t size;

	if (len < CIPHER_SENT_BLOCK) {
		leave_alone(s);
		return;
	}
	size = LENGTH_BYTES + length_at(in);
	if (len == size && len > CIPHER_SENT_BLOCK) {
		s->how = CIPHER_SENT_LIBRARY;
		s->packets++;
	} else if (in[LENGTH_BYTES] < PADDING_MIN) {
		leave_alone(s);
	} else {
		begin(s, in, size);
	}
}

/* By its length, which precedes what is encrypted. */
static void begin_gcm(struct cipher_sent *s, const unsigned char *in,
		      size_t len)
{
	if (len == LENGTH_BYTES)
		begin(s, in + LENGTH_BYTES, length_at(in));
	else
		leave_alone(s);
}

static void begin_if_first(struct cipher_sent *s, const unsigned char *out,
			   const unsigned char *in, size_t len)
{
	if (!in || s->how == CIPHER_SENT_BLOCKS || is_in_packet(s))
		return;
	if (!s->gcm && out)
		begin_ctr(s, in, len);
	else if (s->gcm && !out)
		begin_gcm(s, in, len);
	else
		leave_alone(s);
}

/* --- watching ------------------------------------------------------------- */

static bool is_expected(const struct cipher_sent *s, const unsigned char *in,
			size_t len)
{
	if (in != s->at || len > (size_t)(s->end - in))
		return false;
	if (!s->compared)
		return true;
	return !memcmp(s->copy + (in - s->first), in, len) &&
	       !memcmp(in - s->result_len, s->result, s->result_len);
}

static void end_watched(struct cipher_sent *s)
{
	size_t size = (size_t)(s->end - s->first);

	OPENSSL_cleanse(s->copy, s->compared ? size : 0);
	if (s->shown < size)
		s->shown = size;
	if (s->compared) {
		s->proved = size;
		s->how = CIPHER_SENT_WHOLE;
	}
	s->at = nowhere(s);
}

static int watch(struct cipher_sent *s, unsigned char *out,
		 const unsigned char *in, unsigned int len)
{
	int rc;

	if (!is_expected(s, in, len)) {
		leave_alone(s);
		return s->cipher(s->ctx, out, in, len);
	}
	rc = s->cipher(s->ctx, out, in, len);
	s->returns_one = rc == 1 && len > 1;
	s->result_len = len < sizeof(s->result) ? len : sizeof(s->result);
	memcpy(s->result, out + len - s->result_len, s->result_len);
	s->at = in + len;
	if (s->at == s->end)
		end_watched(s);
	return rc;
}

/* --- encrypting ----------------------------------------------------------- */

static int found_done(const struct cipher_sent *s, unsigned char *out,
		      const unsigned char *in, unsigned int len)
{
	memcpy(out, in, len);
	return cipher_sent_result(s, len);
}

static int encrypt_whole(struct cipher_sent *s, unsigned char *out,
			 const unsigned char *in, unsigned int len)
{
	unsigned char *packet = (unsigned char *)in; /* libssh2's own buffer */

	if (len > (size_t)(s->end - in) ||
	    s->cipher(s->ctx, packet, packet, (unsigned int)(s->end - in)) < 1)
		return -1;
	s->packets++;
	s->whole = nowhere(s);
	s->done = in;
	(void)cipher_sent_is_done(s, s->ctx, in, len);
	return found_done(s, out, in, len);
}

int cipher_sent_crypt(struct cipher_sent *s, unsigned char *out,
		      const unsigned char *in, unsigned int len)
{
	bool block = out && in;

	if (block && cipher_sent_is_done(s, s->ctx, in, len))
		return found_done(s, out, in, len);
	if (s->done != nowhere(s))
		return -1;
	begin_if_first(s, out, in, len);
	if (block && in == s->whole)
		return encrypt_whole(s, out, in, len);
	if (block && s->at != nowhere(s))
		return watch(s, out, in, len);
	if (block && s->whole != nowhere(s))
		leave_alone(s);
	return s->cipher(s->ctx, out, in, len);
}
