/* SPDX-License-Identifier: MIT */
/*
 * cipher_hook: is called by libssh2 in the place of OpenSSL's ciphers, so that
 * packets are encrypted whole (cipher_sent.h) and decrypted in bulk
 * (cipher_received.h).
 *
 * libssh2 calls EVP_CipherInit(), EVP_Cipher() and EVP_CIPHER_CTX_free(). With
 * the shared library this program's functions of these names are found before
 * OpenSSL's. With the static one the linker puts them in their place, and in
 * that of the function of libssh2 that calls EVP_Cipher(), where it is known:
 * then a block that is done costs one call. Everything is passed on until
 * cipher_hook_start(), in whatever process it is.
 *
 * The contexts are those that get a key with EVP_CipherInit(), the latest one
 * for each direction: a process with a hook has one session. A libssh2 that
 * does not call it so is not sped up.
 */
#ifndef TRANSPORT_ENDPOINT_CIPHER_HOOK_H
#define TRANSPORT_ENDPOINT_CIPHER_HOOK_H

#include <stdint.h>

/* For the one session of this process, before it has keys. */
void cipher_hook_start(void);
/* How many of its packets were encrypted in one call each. */
uint64_t cipher_hook_packets(void);

#endif
