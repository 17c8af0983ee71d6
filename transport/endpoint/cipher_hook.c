/* SPDX-License-Identifier: MIT */
/* cipher_hook: between libssh2 and OpenSSL's ciphers. */
#include "transport/endpoint/cipher_hook.h"

#include <dlfcn.h>
#include <libssh2.h>
#include <string.h>

#include "transport/endpoint/cipher_received.h"
#include "transport/endpoint/cipher_sent.h"

static struct {
	bool on;
	struct cipher_sent sent;
	struct cipher_received received;
} hook;

/* --- OpenSSL's functions -------------------------------------------------- */

typedef int init_fn(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher,
		    const unsigned char *key, const unsigned char *iv, int enc);
typedef void free_fn(EVP_CIPHER_CTX *ctx);

#ifdef CIPHER_HOOK_STATIC

#define HOOK(name) __wrap_##name

cipher_fn __real_EVP_Cipher;
init_fn __real_EVP_CipherInit;
free_fn __real_EVP_CIPHER_CTX_free;

static const struct {
	cipher_fn *cipher;
	init_fn *init;
	free_fn *free;
} real = {
	__real_EVP_Cipher,
	__real_EVP_CipherInit,
	__real_EVP_CIPHER_CTX_free,
};

static void find_real(void)
{
}

#else

#define HOOK(name) name

static struct {
	cipher_fn *cipher;
	init_fn *init;
	free_fn *free;
} real;

static void find_next(const char *name, void *fn)
{
	void *found = dlsym(RTLD_NEXT, name);

	memcpy(fn, &found, sizeof(found));
}

/* The next of each name. Without any of them nobody calls these here. */
static void find_real(void)
{
	if (real.free)
		return;
	find_next("EVP_Cipher", &real.cipher);
	find_next("EVP_CipherInit", &real.init);
	find_next("EVP_CIPHER_CTX_free", &real.free);
}

#endif

cipher_fn HOOK(EVP_Cipher);
init_fn HOOK(EVP_CipherInit);
free_fn HOOK(EVP_CIPHER_CTX_free);

/* --- contexts ------------------------------------------------------------- */

void cipher_hook_start(void)
{
	find_real();
	cipher_sent_init(&hook.sent, real.cipher);
	cipher_received_init(&hook.received, real.cipher);
	hook.on = true;
}

uint64_t cipher_hook_packets(void)
{
	return hook.sent.packets;
}

static void forget(const EVP_CIPHER_CTX *ctx)
{
	if (ctx && ctx == hook.sent.ctx)
		cipher_sent_forget(&hook.sent);
	if (ctx && ctx == hook.received.ctx)
		cipher_received_forget(&hook.received);
}

static bool is_wanted(const EVP_CIPHER_CTX *ctx)
{
	int mode = EVP_CIPHER_CTX_mode(ctx);

	return mode == EVP_CIPH_CTR_MODE || mode == EVP_CIPH_GCM_MODE;
}

int HOOK(EVP_CipherInit)(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher,
			 const unsigned char *key, const unsigned char *iv,
			 int enc)
{
	int rc;

	find_real();
	rc = real.init(ctx, cipher, key, iv, enc);
	if (!hook.on)
		return rc;
	forget(ctx);
	if (rc != 1 || !key || !is_wanted(ctx))
		return rc;
	if (enc)
		cipher_sent_use(&hook.sent, ctx);
	else
		cipher_received_use(&hook.received, ctx, key, iv);
	return rc;
}

void HOOK(EVP_CIPHER_CTX_free)(EVP_CIPHER_CTX *ctx)
{
	if (hook.on)
		forget(ctx);
	find_real();
	real.free(ctx);
}

/* --- blocks --------------------------------------------------------------- */

int HOOK(EVP_Cipher)(EVP_CIPHER_CTX *ctx, unsigned char *out,
		     const unsigned char *in, unsigned int len)
{
	/* nearly all calls: a copy of known length takes no call */
	if (len == CIPHER_SENT_BLOCK &&
	    cipher_sent_is_done(&hook.sent, ctx, in, CIPHER_SENT_BLOCK)) {
		memcpy(out, in, CIPHER_SENT_BLOCK);
		return cipher_sent_result(&hook.sent, CIPHER_SENT_BLOCK);
	}
	if (len == CIPHER_RECEIVED_BLOCK && out &&
	    cipher_received_block(&hook.received, ctx, out, in))
		return cipher_received_result(&hook.received, len);
	if (ctx == hook.sent.ctx && hook.on)
		return cipher_sent_crypt(&hook.sent, out, in, len);
	if (ctx == hook.received.ctx && hook.on)
		return cipher_received_crypt(&hook.received, out, in, len);
	find_real();
	return real.cipher(ctx, out, in, len);
}

#ifdef CIPHER_HOOK_LIBSSH2

typedef const EVP_CIPHER *algorithm_fn(void);

/* From 1.11 on: 1 for the first block of a packet, 2 for the last one. */
#if LIBSSH2_VERSION_NUM >= 0x010b00
#define POSITION , int position
#define PASS_POSITION , position
#define IS_INNER(size) ((size) == CIPHER_SENT_BLOCK && position == 0)
#else
#define POSITION
#define PASS_POSITION
#define IS_INNER(size) ((size) == CIPHER_SENT_BLOCK)
#endif

int __real__libssh2_cipher_crypt(EVP_CIPHER_CTX **ctx, algorithm_fn *algorithm,
				 int encrypt, unsigned char *block,
				 size_t size POSITION);
int __wrap__libssh2_cipher_crypt(EVP_CIPHER_CTX **ctx, algorithm_fn *algorithm,
				 int encrypt, unsigned char *block,
				 size_t size POSITION);

int __wrap__libssh2_cipher_crypt(EVP_CIPHER_CTX **ctx, algorithm_fn *algorithm,
				 int encrypt, unsigned char *block,
				 size_t size POSITION)
{
	if (IS_INNER(size) &&
	    cipher_sent_is_done(&hook.sent, *ctx, block, CIPHER_SENT_BLOCK))
		return 0;
	if (IS_INNER(size) &&
	    cipher_received_block(&hook.received, *ctx, block, block))
		return 0;
	return __real__libssh2_cipher_crypt(ctx, algorithm, encrypt, block,
					    size PASS_POSITION);
}

#endif
